select attempt, error, stack, code_version, (extract(epoch from failed_at) * 10000000)::bigint as failed_ticks
from failed_attempts
where delivery_id = $1
order by failed_attempt_id
