select body
from open_deliveries
join deliveries using (delivery_id)
where delivery_id = $1
for update of open_deliveries
