-- Selects the next open deliveries after $1 that failed, stopped a worker or are snoozed: at most $2, and as many as
-- have bodies of $3 bytes. A filter that is null matches all: the kind ($4) and the times of receipt ($5, $6). Leaves
-- out the bodies of those that may have stopped a worker. Says how many matched.
with failing as (
  select delivery_id, due_at, bytes, attempts, stalls, snoozed_until, snooze_error
  from open_deliveries
  where (attempts > 0 or snoozed_until is not null or stalls > 1) and ($1::uuid is null or delivery_id > $1)
    and ($4::text is null or $4 = case
      when snoozed_until is not null then 'snoozed' when stalls > 1 then 'stalled' else 'retrying' end)
    and (coalesce($5::bigint, $6::bigint) is null or exists (
      select from deliveries
      where deliveries.delivery_id = open_deliveries.delivery_id
        and ($5 is null or (extract(epoch from received_at) * 10000000)::bigint >= $5)
        and ($6 is null or (extract(epoch from received_at) * 10000000)::bigint < $6)
    ))
  order by delivery_id
  limit $2
),
sized as (
  select *, count(*) over () as matches, sum(bytes) over (order by delivery_id) - bytes as bytes_before from failing
)
select delivery_id, matches, bytes, attempts, stalls, snooze_error, error,
  case when stalls = 0 then body end as body,
  (extract(epoch from received_at) * 10000000)::bigint as received_ticks,
  (extract(epoch from due_at) * 10000000)::bigint as due_ticks,
  (extract(epoch from snoozed_until) * 10000000)::bigint as snoozed_ticks
from sized
join deliveries using (delivery_id)
left join lateral (
  select error from failed_attempts
  where attempts > 0 and failed_attempts.delivery_id = sized.delivery_id
  order by failed_attempt_id desc
  limit 1
) as last_attempt on true
where bytes_before < $3::bigint
order by delivery_id
