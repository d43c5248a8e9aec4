-- Takes at most $2 deliveries that became due within the last $3 seconds, and makes them due again in $1 seconds. While a
-- transaction elsewhere keeps an old snapshot, the index has all that were deleted since, and each is passed over: only
-- those of the last seconds, if $3 is small. Materialized, since a plan could evaluate `due` once for each row, and with
-- skip locked it would then find further deliveries each time.
with due as materialized (
  select delivery_id from open_deliveries where due_at <= now() and due_at > now() - make_interval(secs => $3)
  order by due_at limit $2 for update skip locked
)
update open_deliveries set due_at = now() + make_interval(secs => $1), sweeps = sweeps + 1
from due
where open_deliveries.delivery_id = due.delivery_id
returning open_deliveries.delivery_id, bytes
