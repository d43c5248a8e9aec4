-- Selects the changes after position $1, at most $2. Positions have no gaps, so the range is known beforehand.
with append as (
  select append_id, first_position from appends
  where first_position <= $1::bigint + $2::bigint
    and first_position >= coalesce(
      (select max(first_position) from appends where first_position <= $1::bigint + 1), 1)
)
select first_position + ordinal as position, 'event' as kind, entity_id, event, id, ticks, data, delivery_id,
  (extract(epoch from received_at) * 10000000)::bigint as received_ticks
from append
join events using (append_id)
where ordinal > $1::bigint - first_position and ordinal <= $1::bigint + $2::bigint - first_position
union all
select first_position + ordinal, 'earlier-time', entity_id, event, id, ticks, null, delivery_id,
  (extract(epoch from received_at) * 10000000)::bigint
from append
join redeliveries using (append_id)
where ordinal > $1::bigint - first_position and ordinal <= $1::bigint + $2::bigint - first_position
order by position
