-- Selects all appends that have a position, in the order of the change feed.
select append_id, size, changes_hash, first_position, feed_hash
from appends
where first_position is not null
order by first_position
