-- Counts an attempt against a delivery that is still open, and says how many it has used up. It is due again when
-- the longest wait before its next attempt has passed, and $2 seconds more.
with failed as (
  update open_deliveries
  set failed_attempts = failed_attempts + 1,
    due_at = now() + make_interval(secs => $2 + least($4::float8, $3::float8 * power(2, failed_attempts)) / 1000)
  where delivery_id = $1
  returning failed_attempts
),
noted as (
  insert into failed_attempts (delivery_id, attempt, error, stack, code_version)
  select $1, failed_attempts, $5, $6, $7 from failed
)
select failed_attempts from failed
