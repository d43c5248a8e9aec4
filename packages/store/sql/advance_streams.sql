update streams set seq = head.seq, hash = head.hash
from unnest($1::text[], $2::bigint[], $3::bytea[]) as head (entity_id, seq, hash)
where streams.entity_id = head.entity_id
