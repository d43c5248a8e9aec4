select action, operator, reason, (extract(epoch from acted_at) * 10000000)::bigint as acted_ticks
from operator_actions
where delivery_id = $1
order by action_id
