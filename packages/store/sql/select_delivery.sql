-- Selects a delivery as it was recorded, how it is settled, and what it came to while it is open.
select delivery_id, body, headers, verified_by, secret_fingerprint, settled_as,
  (extract(epoch from received_at) * 10000000)::bigint as received_ticks,
  (extract(epoch from settled_at) * 10000000)::bigint as settled_ticks,
  attempts, stalls, (extract(epoch from due_at) * 10000000)::bigint as due_ticks,
  (extract(epoch from snoozed_until) * 10000000)::bigint as snoozed_ticks, snooze_error,
  (select error from failed_attempts
   where attempts > 0 and failed_attempts.delivery_id = deliveries.delivery_id
   order by failed_attempt_id desc
   limit 1) as error
from deliveries
left join settlements using (delivery_id)
left join open_deliveries using (delivery_id)
where delivery_id = $1
