-- As select_log, of the persons who were changed by the transactions after $1, and without the projection.
select entity_id, json_agg(json_build_array(event, id, least(ticks, (
    select min(resends.ticks) from resends
    where (resends.entity_id, resends.event, resends.id) = (events.entity_id, events.event, events.id)
  ))::text)) as places, json_agg(data) as data, null as state
from events
where entity_id in (
  select entity_id from events where append_id > $1
  union
  select entity_id from resends where append_id > $1
)
group by entity_id
order by entity_id
