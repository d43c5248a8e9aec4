select body from deliveries where delivery_id = $1
