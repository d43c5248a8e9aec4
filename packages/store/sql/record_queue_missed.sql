-- Records of dead letters that a bulk action decided about that the queue did not take it.
with missed as (
  update bulk_action_deliveries set failure = 'queue-missed'
  where bulk_action_id = $1 and dead_letter_id = any ($2::bigint[])
)
update bulk_actions set queue_missed = queue_missed + cardinality($2::bigint[])
where bulk_action_id = $1
