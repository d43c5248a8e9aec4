-- Persons who have a head, and no entry: all of them were removed.
select entity_id, 'entries up to seq ' || seq as expected, 'none' as found, count(*) over () as rows
from streams
where ($1::text is null or entity_id = $1)
  and not exists (select from events where events.entity_id = streams.entity_id)
  and not exists (select from redeliveries where redeliveries.entity_id = streams.entity_id)
order by entity_id
limit 1
