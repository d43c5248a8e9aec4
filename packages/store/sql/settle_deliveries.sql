with settled as (
  insert into settlements (delivery_id, outcome) select * from unnest($1::uuid[], $2::text[])
)
delete from open_deliveries where delivery_id = any ($1::uuid[])
