-- Takes the running bulk action that was confirmed first, for $2 seconds from now on, and locks it. Takes none while
-- another console holds that one, so that one runs at a time.
update bulk_actions set held_by = $1, held_until = now() + make_interval(secs => $2)
where bulk_action_id = (
  select bulk_action_id from bulk_actions where state = 'running' order by confirmed_at, bulk_action_id limit 1
) and state = 'running' and (held_by = $1 or held_until is null or held_until < now())
returning bulk_action_id, action, confirmed_by, reason, last_dead_letter_id
