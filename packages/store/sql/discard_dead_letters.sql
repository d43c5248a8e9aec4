-- Discards dead-lettered deliveries and records the decision. Returns those that were dead-lettered.
with discarded as (
  update settlements set settled_as = 'discarded'
  where delivery_id = any ($1::uuid[]) and settled_as = 'dead-lettered'
  returning delivery_id
),
decided as (
  insert into decisions (delivery_id, action, decided_by, reason)
  select delivery_id, 'discard', $2, $3 from discarded
)
select delivery_id from discarded
