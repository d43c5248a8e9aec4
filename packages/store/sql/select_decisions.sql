select action, decided_by, reason, (extract(epoch from decided_at) * 10000000)::bigint as decided_ticks
from decisions
where delivery_id = $1
order by decision_id
