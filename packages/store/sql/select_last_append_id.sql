select case when is_called then last_value else 0 end as append_id from append_ids
