-- Selects the entry of the log that a delivery ($4) of this event made.
select 'event' as kind, seq from events
where (entity_id, event, id) = ($1, $2, $3) and delivery_id = $4
union all
select 'redelivery', seq from redeliveries
where (entity_id, event, id) = ($1, $2, $3) and delivery_id = $4
