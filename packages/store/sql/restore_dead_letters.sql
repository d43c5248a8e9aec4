-- Makes discarded deliveries dead letters again and records the decision. Returns those that were discarded.
with restored as (
  update settlements set settled_as = 'dead-lettered'
  where delivery_id = any ($1::uuid[]) and settled_as = 'discarded'
  returning delivery_id
),
decided as (
  insert into decisions (delivery_id, action, decided_by, reason)
  select delivery_id, 'restore', $2, $3 from restored
)
select delivery_id from restored
