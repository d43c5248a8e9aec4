select extract(epoch from now() - appended_at)::float8 as seconds
from appends
where first_position is null
order by append_id
limit 1
