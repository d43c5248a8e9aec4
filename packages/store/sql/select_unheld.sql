-- Selects a delivery that has been due for more than $1 seconds, and that no transaction holds. The sweeper has enqueued
-- it, and again after $1 seconds; or it has not, as too many jobs wait.
select delivery_id from open_deliveries
where sweeps > 1 or due_at < now() - make_interval(secs => $1)
limit 1
for key share skip locked
