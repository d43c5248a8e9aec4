select delivery_id, 'settled, or open' as expected, 'open, and settled as ' || outcome as found, count(*) over () as rows
from open_deliveries
join settlements using (delivery_id)
order by delivery_id
limit 1
