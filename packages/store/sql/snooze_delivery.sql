-- Each wait is as long as all before it together, so they double, and nobody counts them. The delivery's own row, which
-- perhaps cannot be read, is not looked at.
update open_deliveries
set due_at = now() + make_interval(
  secs => least($4::float8, greatest($3::float8, extract(epoch from now()) - $2::float8 / 1000))
)
where delivery_id = $1
