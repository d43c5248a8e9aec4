-- Selects the deliveries that concern a person ($1), those that were found among the open ones ($2 to $4, $8) too: the
-- next ones before $5, at most $6, and of one status ($7), or received by a time ($9, in ticks), if it is given.
with concerned as (
  select distinct on (delivery_id) delivery_id, event, id, ticks
  from (
    select delivery_id, event, id, ticks from events where entity_id = $1
    union all
    select delivery_id, event, id, ticks from redeliveries where entity_id = $1
    union all
    select delivery_id, event, id, null::bigint from dead_letters where entity_id = $1
    union all
    select * from unnest($2::uuid[], $3::text[], $4::text[], $8::bigint[])
  ) as mentioned (delivery_id, event, id, ticks)
  where $5::uuid is null or delivery_id < $5
  order by delivery_id, ticks nulls last, event nulls last
)
select delivery_id, concerned.event, concerned.id, ticks, coalesce(settled_as, 'open') as status,
  octet_length(body) as bytes,
  (extract(epoch from received_at) * 10000000)::bigint as received_ticks,
  (extract(epoch from settled_at) * 10000000)::bigint as settled_ticks,
  attempts, stalls, (extract(epoch from due_at) * 10000000)::bigint as due_ticks,
  (extract(epoch from snoozed_until) * 10000000)::bigint as snoozed_ticks, snooze_error, error,
  reason, message
from concerned
join deliveries using (delivery_id)
left join settlements using (delivery_id)
left join open_deliveries using (delivery_id)
left join lateral (
  select error from failed_attempts
  where attempts > 0 and failed_attempts.delivery_id = concerned.delivery_id
  order by failed_attempt_id desc
  limit 1
) as last_attempt on true
left join lateral (
  select reason, message from dead_letters
  where dead_letters.delivery_id = concerned.delivery_id
  order by dead_letter_id desc
  limit 1
) as last_dead_letter on true
where ($7::text is null or coalesce(settled_as, 'open') = $7)
  and ($9::bigint is null or (extract(epoch from received_at) * 10000000)::bigint <= $9)
order by delivery_id desc
limit $6
