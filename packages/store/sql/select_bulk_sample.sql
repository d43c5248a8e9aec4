-- Selects the latest $2 dead letters of a bulk action's set.
select delivery_id, reason, message, event, id, entity_id, code_version,
  (extract(epoch from dead_lettered_at) * 10000000)::bigint as dead_lettered_ticks
from bulk_action_deliveries join dead_letters using (dead_letter_id, delivery_id)
where bulk_action_id = $1
order by dead_letter_id desc
limit $2
