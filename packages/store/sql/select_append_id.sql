select nextval('append_ids') as append_id
