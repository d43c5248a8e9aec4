select from settlements where delivery_id = any ($1::uuid[]) and outcome = 'dead' order by delivery_id for update
