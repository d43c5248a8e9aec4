-- Removes at most $2 dead letters of the sets of bulk actions that ended, or were never confirmed, more than $1 days ago.
-- The actions stay: who decided, and why. Workers that do so at the same time go through the sets in the same order.
delete from bulk_action_deliveries where (bulk_action_id, dead_letter_id) in (
  select bulk_action_id, dead_letter_id
  from bulk_actions join bulk_action_deliveries using (bulk_action_id)
  where state <> 'running' and coalesce(ended_at, created_at) < now() - make_interval(days => $1)
  order by bulk_action_id, dead_letter_id
  limit $2
)
