-- Selects the hash of the change at position $1.
with append as (
  select append_id, $1::bigint - first_position as ordinal from appends
  where first_position <= $1::bigint order by first_position desc limit 1
)
select hash from append join events using (append_id, ordinal)
union all
select hash from append join redeliveries using (append_id, ordinal)
union all
select hash from append join rebuilt_persons using (append_id, ordinal)
