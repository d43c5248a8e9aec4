select from settlements where delivery_id = any ($1::uuid[]) and outcome = 'dead-lettered' order by delivery_id for update
