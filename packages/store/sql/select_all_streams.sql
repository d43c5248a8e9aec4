-- Selects each person once: all events with the earliest times of their deliveries, and the projection's row as of
-- the same time.
select entity_id, events, ids, ticks, data, search, state, status, review_needed, last_ticks, last_event, last_id,
  fold_version
from (
  select entity_id, json_agg(event) as events, json_agg(id) as ids, json_agg(data) as data,
    array_to_string(array_agg(least(events.ticks, redelivered.ticks)), ',') as ticks
  from events
  left join (
    select entity_id, event, id, min(ticks) as ticks from redeliveries group by entity_id, event, id
  ) as redelivered using (entity_id, event, id)
  group by entity_id
) as log
left join natural_persons using (entity_id)
union all
select entity_id, null, null, null, null, search, state, status, review_needed, last_ticks, last_event, last_id,
  fold_version
from natural_persons
where not exists (select from events where events.entity_id = natural_persons.entity_id)
