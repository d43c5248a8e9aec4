-- Selects bulk actions, the latest first: the one with the id $1, or those before the one with the id $2.
select bulk_action_id, action, filter, reason, state, total, decided, missed, queue_missed,
  created_by, confirmed_by, aborted_by, error,
  (extract(epoch from created_at) * 10000000)::bigint as created_ticks,
  (extract(epoch from confirmed_at) * 10000000)::bigint as confirmed_ticks,
  (extract(epoch from ended_at) * 10000000)::bigint as ended_ticks
from bulk_actions
where ($1::integer is null or bulk_action_id = $1) and ($2::integer is null or bulk_action_id < $2)
order by bulk_action_id desc
limit $3
