-- Selects dead letters and decisions that have no seal yet, at most $1, in the order in which they are sealed.
select kind, record_id, coalesce(dead_letters.delivery_id, decisions.delivery_id) as delivery_id,
  coalesce(dead_letters.reason, decisions.reason) as reason,
  (extract(epoch from coalesce(dead_lettered_at, decided_at)) * 10000000)::bigint as at_ticks,
  message, issues, event, id, entity_id, code_version, action, decided_by
from (select kind, record_id from unsealed order by kind, record_id limit $1) as next
left join dead_letters on kind = 'dead-letter' and dead_letter_id = record_id
left join decisions on kind = 'decision' and decision_id = record_id
where coalesce(dead_letter_id, decision_id) is not null
order by kind, record_id
