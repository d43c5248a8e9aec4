select first_position + size - 1 as position
from appends
where first_position is not null
order by first_position desc
limit 1
