-- As select_log, of the persons who were changed by the transactions after $1, and without the projection.
select entity_id, false as live, event, id, data, null as status,
  least(ticks, (select min(resends.ticks) from resends
                where (resends.entity_id, resends.event, resends.id) = (events.entity_id, events.event, events.id))) as ticks
from events
where entity_id in (
  select entity_id from events where append_id > $1
  union
  select entity_id from resends where append_id > $1
)
order by entity_id
