-- Assigns the next positions to committed appends, by append_id. That is a person's order in the log, as the
-- append_id is drawn while the person's stream is locked.
with last as (
  select first_position + size - 1 as position from appends
  where first_position is not null
  order by first_position desc
  limit 1
),
next as (
  select append_id, sum(size) over (order by append_id) - size + 1 as position
  from (select append_id, size from appends where first_position is null order by append_id limit $1) as unassigned
)
update appends set first_position = coalesce((select position from last), 0) + next.position
from next
where appends.append_id = next.append_id
