-- Selects the deliveries that have no entry in the log: all, or of one person ($1) those with a dead letter that names
-- the person, and those that were found among the open ones ($2).
select delivery_id, body, headers, verified_by, secret_fingerprint, digest, settled_as is null as open,
  (extract(epoch from received_at) * 10000000)::bigint as delivery_received_ticks
from deliveries
left join settlements using (delivery_id)
where (settled_as is null or settled_as in ('dead-lettered', 'discarded'))
  and ($1::text is null
    or delivery_id = any ($2::uuid[] || array(select delivery_id from dead_letters where entity_id = $1)))
order by delivery_id
