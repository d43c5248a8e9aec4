-- Selects the failed attempts and dead letters of the deliveries that concern a person ($1) or were found among the open
-- ones ($2), and the decisions about them.
with concerned as materialized (
  select delivery_id from events where entity_id = $1
  union select delivery_id from redeliveries where entity_id = $1
  union select delivery_id from dead_letters where entity_id = $1
  union select unnest($2::uuid[])
)
select line, delivery_id, (extract(epoch from at) * 10000000)::bigint as at_ticks, content
from concerned
join (
  select 'failed-attempt' as line, delivery_id, failed_at as at, json_build_object(
    'attempt', attempt, 'error', error, 'stack', stack, 'codeVersion', code_version) as content
  from failed_attempts
  union all
  select 'dead-letter', delivery_id, dead_lettered_at, json_build_object(
    'reason', reason, 'message', message, 'issues', issues, 'event', event, 'id', id, 'codeVersion', code_version)
  from dead_letters
  union all
  select 'decision', delivery_id, decided_at, json_build_object(
    'action', action, 'decidedBy', decided_by, 'reason', reason)
  from decisions
) as history using (delivery_id)
order by at, line, delivery_id
