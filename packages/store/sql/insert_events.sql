insert into events (
  entity_id, seq, event, id, ticks, data, data_digest, delivery_id, received_at, delivery_digest, hash, append_id, ordinal,
  recognised
)
select entity_id, seq, event, id, ticks, data, data_digest, delivery_id,
  timestamptz 'epoch' + (received_ticks / 10) * interval '1 microsecond', delivery_digest, hash, $1, ordinal,
  recognised
from unnest(
  $2::text[], $3::bigint[], $4::text[], $5::text[], $6::bigint[], string_to_array($7, E'\n')::json[], $8::bytea[], $9::uuid[], $10::bigint[],
  $11::bytea[], $12::bytea[], $13::integer[], $14::boolean[]
) as entry (
  entity_id, seq, event, id, ticks, data, data_digest, delivery_id, received_ticks, delivery_digest, hash, ordinal,
  recognised
)
