-- All persons' events, each with the earliest time of its sends, by person; beside them, as one more row of a person
-- (live), what the projection says of the person at the same moment.
select entity_id, false as live, event, id, least(events.ticks, resent.ticks) as ticks, data, null as status
from events
left join (
  select entity_id, event, id, min(ticks) as ticks from resends group by entity_id, event, id
) as resent using (entity_id, event, id)
union all
select entity_id, true, last_event, last_id, last_ticks, state, status
from natural_persons
order by entity_id
