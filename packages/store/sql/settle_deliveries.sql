-- In the order of their ids, which is the index's: a page of it is left full.
with settled as (
  insert into settlements (delivery_id, settled_as)
  select * from unnest($1::uuid[], $2::text[]) as outcome (delivery_id, settled_as) order by delivery_id
)
delete from open_deliveries where delivery_id = any ($1::uuid[])
