-- Selects the next $3 of a bulk action's set, behind the dead letter $2. Those that are still what the action selected,
-- settled as $4 by the same dead letter, are locked.
with batch as (
  select dead_letter_id, delivery_id from bulk_action_deliveries
  where bulk_action_id = $1 and dead_letter_id > $2
  order by dead_letter_id limit $3
),
locked as (
  select delivery_id from settlements join batch using (delivery_id, dead_letter_id)
  where settled_as = $4
  order by delivery_id for update of settlements
)
select dead_letter_id, batch.delivery_id, locked.delivery_id is not null as is_locked
from batch left join locked using (delivery_id)
order by dead_letter_id
