-- Removes at most $2 rows of each table that are older than $1 days. Workers that do so at the same time do not wait for
-- each other. Reads by start, which has an index: the rows that it reads and keeps are those of long-running instances.
with old_instances as (
  delete from instances where instance_id in (
    select instance_id from instances
    where started_at < now() - make_interval(days => $1) and last_seen_at < now() - make_interval(days => $1)
    limit $2 for update skip locked
  )
)
delete from instance_minutes where (minute, service, instance_id) in (
  select minute, service, instance_id from instance_minutes
  where minute < now() - make_interval(days => $1)
  order by minute limit $2 for update skip locked
)
