-- Selects the latest $2 dead letters of a bulk action's set. The set may be large: only the dead letters of those are read.
select delivery_id, reason, message, event, id, entity_id, code_version,
  (extract(epoch from dead_lettered_at) * 10000000)::bigint as dead_lettered_ticks
from (
  select dead_letter_id from bulk_action_deliveries
  where bulk_action_id = $1
  order by dead_letter_id desc
  limit $2
) as sample
cross join lateral (select * from dead_letters where dead_letters.dead_letter_id = sample.dead_letter_id offset 0) as dead_letter
order by sample.dead_letter_id desc
