-- Each is due again only after $1 seconds, however many sweepers there are. Materialized: read again for each row, as
-- a plan might have it, a limit that skips what is locked would find further ones each time.
with due as materialized (
  select delivery_id from open_deliveries where due_at <= now() order by due_at limit $2 for update skip locked
)
update open_deliveries set due_at = now() + make_interval(secs => $1)
from due
where open_deliveries.delivery_id = due.delivery_id
returning open_deliveries.delivery_id
