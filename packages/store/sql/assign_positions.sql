-- What has committed gets the next positions, in the order of append_id: a person's appends have theirs in the order
-- of the log, since its number is drawn while the person is locked.
with last as (
  select first_position + size - 1 as position from appends
  where first_position is not null
  order by first_position desc
  limit 1
),
next as (
  select append_id, sum(size) over (order by append_id) - size + 1 as place
  from (select append_id, size from appends where first_position is null order by append_id limit $1) as unassigned
)
update appends set first_position = coalesce((select position from last), 0) + next.place
from next
where appends.append_id = next.append_id
