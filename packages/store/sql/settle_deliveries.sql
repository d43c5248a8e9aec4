with settled as (
  insert into settlements (delivery_id, settled_as) select * from unnest($1::uuid[], $2::text[])
)
delete from open_deliveries where delivery_id = any ($1::uuid[])
