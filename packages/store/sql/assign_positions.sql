update appends set first_position = assigned.first_position, feed_hash = assigned.feed_hash
from unnest($1::bigint[], $2::bigint[], $3::bytea[]) as assigned (append_id, first_position, feed_hash)
where appends.append_id = assigned.append_id
