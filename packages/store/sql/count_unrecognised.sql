-- The condition is that of the index events_unrecognised.
select event, count(*) as count
from events
where not recognised
group by event
order by event
