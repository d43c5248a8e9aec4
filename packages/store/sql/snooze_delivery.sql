-- Each wait is as long as all those before it together, so waits double without being counted. Does not read the row
-- in deliveries, which may be the one that cannot be read.
with wait as (
  select now() + make_interval(
    secs => least($4::float8, greatest($3::float8, extract(epoch from now()) - $2::float8 / 1000))
  ) as ends_at
)
update open_deliveries set stalls = 0, sweeps = 0, due_at = ends_at, snoozed_until = ends_at, snooze_error = $5
from wait
where delivery_id = $1
