select from open_deliveries where delivery_id = $1 for update
