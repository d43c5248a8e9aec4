-- Opens dead-lettered deliveries again, with all their attempts, and records the decision. Returns those that were
-- dead-lettered.
with dead_lettered as (
  select delivery_id from settlements
  where delivery_id = any ($1::uuid[]) and settled_as = 'dead-lettered' order by delivery_id for update
),
reopened as (
  delete from settlements where delivery_id in (select delivery_id from dead_lettered) returning delivery_id
),
opened as (
  insert into open_deliveries (delivery_id, due_at, bytes)
  select delivery_id, now() + make_interval(secs => $2), octet_length(body) from reopened join deliveries using (delivery_id)
),
decided as (
  insert into decisions (delivery_id, action, decided_by, reason)
  select delivery_id, 'redrive', $3, $4 from reopened
)
select delivery_id from reopened
