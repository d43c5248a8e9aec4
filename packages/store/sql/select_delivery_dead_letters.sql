select reason, message, issues, event, id, entity_id, code_version,
  (extract(epoch from dead_lettered_at) * 10000000)::bigint as dead_lettered_ticks
from dead_letters
where delivery_id = $1
order by dead_letter_id
