-- Records and counts an open delivery's failed attempt. The sweeper enqueues it $2 seconds after the longest delay
-- ($3, in milliseconds by attempt) before the next attempt.
with failed as (
  update open_deliveries
  set attempts = attempts + 1,
    stalls = 0,
    sweeps = 0,
    snoozed_until = null,
    snooze_error = null,
    due_at = now() + make_interval(
      secs => $2 + coalesce(($3::float8[])[least(attempts + 1, cardinality($3::float8[]))], 0) / 1000
    )
  where delivery_id = $1
  returning attempts
),
recorded as (
  insert into failed_attempts (delivery_id, attempt, error, stack, code_version)
  select $1, attempts, $4, $5, $6 from failed
)
select attempts from failed
