insert into redeliveries (
  entity_id, seq, event, id, ticks, delivery_id, received_at, delivery_digest, hash, append_id, ordinal
)
select entity_id, seq, event, id, ticks, delivery_id,
  timestamptz 'epoch' + (received_ticks / 10) * interval '1 microsecond', delivery_digest, hash,
  case when ordinal is not null then $1::bigint end, ordinal
from unnest(
  $2::text[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], $7::uuid[], $8::bigint[], $9::bytea[], $10::bytea[],
  $11::integer[]
) as entry (entity_id, seq, event, id, ticks, delivery_id, received_ticks, delivery_digest, hash, ordinal)
