select entity_id, state, last_ticks, last_event, last_id from natural_persons where entity_id = any ($1::text[])
