select delivery_id, 'settled, or open' as expected, 'neither' as found, count(*) over () as rows
from deliveries
where not exists (select from settlements where settlements.delivery_id = deliveries.delivery_id)
  and not exists (select from open_deliveries where open_deliveries.delivery_id = deliveries.delivery_id)
order by delivery_id
limit 1
