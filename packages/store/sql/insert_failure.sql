-- Counts an attempt against a delivery that is still open, and says how many it has used up.
with failed as (
  update open_deliveries
  set failures = failures + 1, due_at = now() + make_interval(secs => $2)
  where delivery_id = $1
  returning failures
),
noted as (
  insert into failures (delivery_id, attempt, error, stack, code_version)
  select $1, failures, $3, $4, $5 from failed
)
select failures from failed
