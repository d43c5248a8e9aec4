select state from natural_persons where entity_id = $1
