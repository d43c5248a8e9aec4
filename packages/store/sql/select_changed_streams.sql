-- Selects the persons who changed in the transactions after $1, as select_all_streams does.
select entity_id, events, ids, ticks, data, search, state, status, review_needed, last_ticks, last_event, last_id,
  fold_version
from (
  select entity_id, json_agg(event) as events, json_agg(id) as ids, json_agg(data) as data,
    array_to_string(array_agg(least(ticks, (
      select min(redeliveries.ticks) from redeliveries
      where (redeliveries.entity_id, redeliveries.event, redeliveries.id) = (events.entity_id, events.event, events.id)
    ))), ',') as ticks
  from events
  where entity_id in (
    select entity_id from events where append_id > $1
    union
    select entity_id from redeliveries where append_id > $1
  )
  group by entity_id
) as log
left join natural_persons using (entity_id)
order by entity_id
