-- Records how far a bulk action has come: to the dead letter $2, with $3 more decisions, and none about $4.
with missed as (
  update bulk_action_deliveries set failure = 'changed'
  where bulk_action_id = $1 and dead_letter_id = any ($4::bigint[])
)
update bulk_actions
set last_dead_letter_id = $2, decided = decided + $3, missed = missed + cardinality($4::bigint[])
where bulk_action_id = $1
