-- Takes the oldest running bulk action that no other console holds, for $2 seconds from now on, and locks it.
update bulk_actions set held_by = $1, held_until = now() + make_interval(secs => $2)
where bulk_action_id = (
  select bulk_action_id from bulk_actions
  where state = 'running' and (held_by = $1 or held_until is null or held_until < now())
  order by bulk_action_id limit 1 for update skip locked
)
returning bulk_action_id, action, confirmed_by, reason, last_dead_letter_id
