-- Selects the changes after position $1 up to $2, at most $6 of the person $3, the type $4 and the status $5, if given.
-- Ends when their deliveries' bodies have $7 bytes, and says how many matched. Positions have no gaps, so the range is
-- known beforehand.
with append as (
  select append_id, first_position, statuses, appended_at from appends
  where first_position <= $2::bigint
    and first_position >= coalesce(
      (select max(first_position) from appends where first_position <= $1::bigint + 1), 1)
),
change as (
  select first_position + ordinal as position, statuses[ordinal + 1] as status, 'event' as kind, entity_id, event, id,
    ticks, data, delivery_id, received_at as at, hash
  from append
  join events using (append_id)
  union all
  select first_position + ordinal, statuses[ordinal + 1], 'earlier-time', entity_id, event, id, ticks, null, delivery_id,
    received_at, hash
  from append
  join redeliveries using (append_id)
  union all
  select first_position + ordinal, statuses[ordinal + 1], 'rebuilt', entity_id, null, null, null, null, null,
    appended_at, hash
  from append
  join rebuilt_persons using (append_id)
),
matching as (
  select * from change
  where position > $1::bigint and position <= $2::bigint
    and ($3::text is null or entity_id = $3)
    and ($4::text is null or event = $4)
    and ($5::text is null or status = $5)
  order by position
  limit $6
),
-- A body's length is known without reading it, and its event's data is no longer.
sized as (
  select matching.*, count(*) over () as matches,
    sum(octet_length(body)) over (order by position rows between unbounded preceding and 1 preceding) as bytes_before
  from matching
  left join deliveries on kind = 'event' and deliveries.delivery_id = matching.delivery_id
)
select position, status, kind, entity_id, event, id, ticks, data, delivery_id, matches, hash,
  (extract(epoch from at) * 10000000)::bigint as at_ticks
from sized
where coalesce(bytes_before, 0) < $7::bigint
order by position
