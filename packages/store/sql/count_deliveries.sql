-- Exact counts that read neither events nor applied deliveries. A delivery that was applied is an event, a duplicate
-- is a redelivery, and each change of the feed is an event or a redelivery with an earlier time. Overdue is what has been due
-- for more than $1 seconds; see select_unheld.
select
  open,
  overdue,
  (select count(*) from open_deliveries where attempts > 0 or snoozed_until is not null or stalls > 1) as failing,
  (select extract(epoch from now() - min(opened_at))::float8 from open_deliveries) as oldest_open_seconds,
  (select count(*) from settlements where settled_as = 'dead-lettered') as dead_lettered,
  (select count(*) from settlements where settled_as = 'discarded') as discarded,
  (select count(*) from redeliveries) as redeliveries,
  (
    coalesce((
      select first_position + size - 1 from appends
      where first_position is not null
      order by first_position desc
      limit 1
    ), 0)
    + coalesce((select sum(size) from appends where first_position is null), 0)
    - (select count(*) from redeliveries where append_id is not null)
  )::bigint as events
from (
  select count(*) as open, count(*) filter (where sweeps > 1 or due_at < now() - make_interval(secs => $1)) as overdue
  from open_deliveries
) as backlog
