select attempt, error, stack, code_version, (extract(epoch from failed_at) * 10000000)::bigint as failed_ticks
from failures
where delivery_id = $1
order by failure_id
