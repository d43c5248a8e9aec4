-- Removes at most $2 rows of each table that are older than $1 days. Workers that do so at the same time do not wait for
-- each other.
with old_minutes as (
  delete from instance_minutes where (minute, instance_id) in (
    select minute, instance_id from instance_minutes
    where minute < now() - make_interval(days => $1)
    order by minute limit $2 for update skip locked
  )
)
delete from instances where instance_id in (
  select instance_id from instances
  where last_seen_at < now() - make_interval(days => $1)
  limit $2 for update skip locked
)
