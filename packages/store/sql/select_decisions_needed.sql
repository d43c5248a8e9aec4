-- What needs a person: by kind and name, how many there are, at most $1, and the times of the oldest and the newest
-- (ticks). Dead letters are counted until $1 were read in all, in the order in which they were made.
with recursive dead as (
  select dead_letter_reason as reason, dead_letter_id from settlements
  where settled_as = 'dead-lettered' order by dead_letter_id limit $1::integer
),
unknown_types as (
  (select event from events where not recognised order by event limit 1)
  union all
  select (select event from events where not recognised and event > unknown_types.event order by event limit 1)
  from unknown_types
  where event is not null
),
failing as (
  select delivery_id, snoozed_until from open_deliveries
  where attempts > 0 or snoozed_until is not null or stalls > 1
  order by delivery_id limit $1
)
select 'dead-letter' as kind, counted.reason as name, count,
  (extract(epoch from first.dead_lettered_at) * 10000000)::bigint as oldest,
  (extract(epoch from last.dead_lettered_at) * 10000000)::bigint as newest
from (
  select reason, count(*) as count, min(dead_letter_id) as first_id, max(dead_letter_id) as last_id from dead group by reason
) as counted
join dead_letters as first on first.dead_letter_id = first_id
join dead_letters as last on last.dead_letter_id = last_id
union all
select 'person-to-review', '', count(*), min(last_ticks),
  (select max(last_ticks) from natural_persons where review_needed)
from (
  select last_ticks from natural_persons where review_needed order by last_ticks limit $1
) as to_review
union all
select 'unknown-type', event, counted.count, (extract(epoch from oldest) * 10000000)::bigint,
  (extract(epoch from newest) * 10000000)::bigint
from (select event from unknown_types where event is not null limit 50) as types
cross join lateral (
  select count(*) from (select from events where not recognised and events.event = types.event limit $1) as counted
) as counted
cross join lateral (
  select min(received_at) as oldest, max(received_at) as newest
  from events where not recognised and events.event = types.event
) as times
union all
select case when snoozed_until is null then 'failing' else 'snoozed' end, '', count(*),
  (extract(epoch from min(received_at)) * 10000000)::bigint, (extract(epoch from max(received_at)) * 10000000)::bigint
from failing join deliveries using (delivery_id)
group by 1
