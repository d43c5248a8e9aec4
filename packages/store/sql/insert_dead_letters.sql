insert into dead_letters (delivery_id, reason, message, issues, event, id, entity_id, code_version)
select *, $8 from unnest($1::uuid[], $2::text[], $3::text[], $4::json[], $5::text[], $6::text[], $7::text[])
