-- What went wrong with the deliveries that told of this person, and what was decided about them.
with told as materialized (
  select delivery_id from events where entity_id = $1
  union select delivery_id from resends where entity_id = $1
  union select delivery_id from dead_letters where entity_id = $1
)
select line, delivery_id, (extract(epoch from at) * 10000000)::bigint as at_ticks, content
from told
join (
  select 'failure' as line, delivery_id, failed_at as at, json_build_object(
    'attempt', attempt, 'error', error, 'stack', stack, 'codeVersion', code_version) as content
  from failures
  union all
  select 'dead-letter', delivery_id, died_at, json_build_object(
    'reason', reason, 'message', message, 'issues', issues, 'event', event, 'id', id, 'codeVersion', code_version)
  from dead_letters
  union all
  select 'operator-action', delivery_id, acted_at, json_build_object(
    'action', action, 'operator', operator, 'reason', reason)
  from operator_actions
) as trouble using (delivery_id)
order by at, line, delivery_id
