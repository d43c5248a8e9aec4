-- Selects the entries of one person, or of all ($1 null), in the order of the chain: with the stream's head, the
-- delivery, its settlement, and, for a redelivery, the digest of its event's data.
select entity_id, entry.seq, kind, event, id, ticks, data, data_digest, delivery_id, delivery_digest, entry.hash, settled_as,
  body, headers, verified_by, secret_fingerprint, digest,
  streams.seq as head_seq, streams.hash as head_hash,
  (extract(epoch from entry.received_at) * 10000000)::bigint as received_ticks,
  (extract(epoch from deliveries.received_at) * 10000000)::bigint as delivery_received_ticks
from (
  select entity_id, seq, 'event' as kind, event, id, ticks, data, data_digest, delivery_id, received_at, delivery_digest, hash
  from events
  where $1::text is null or entity_id = $1
  union all
  select entity_id, seq, 'redelivery', event, id, ticks, null,
    (select events.data_digest from events
     where (events.entity_id, events.event, events.id) = (redeliveries.entity_id, redeliveries.event, redeliveries.id)),
    delivery_id, received_at, delivery_digest, hash
  from redeliveries
  where $1::text is null or entity_id = $1
) as entry
left join streams using (entity_id)
left join deliveries using (delivery_id)
left join settlements using (delivery_id)
order by entity_id, entry.seq
