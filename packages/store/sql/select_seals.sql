-- Selects all seals in the order of their chain, each with its dead letter or decision.
select seq, hash, kind, record_id, coalesce(dead_letters.delivery_id, decisions.delivery_id) as delivery_id,
  coalesce(dead_letters.reason, decisions.reason) as reason,
  (extract(epoch from coalesce(dead_lettered_at, decided_at)) * 10000000)::bigint as at_ticks,
  message, issues, event, id, entity_id, code_version, action, decided_by
from seals
left join dead_letters on kind = 'dead-letter' and dead_letter_id = record_id
left join decisions on kind = 'decision' and decision_id = record_id
order by seq
