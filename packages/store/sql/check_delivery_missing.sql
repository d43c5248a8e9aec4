select delivery_id, 'a row in deliveries' as expected, 'none' as found, count(*) over () as rows
from (select delivery_id from settlements union all select delivery_id from open_deliveries) as mentioned
where not exists (select from deliveries where deliveries.delivery_id = mentioned.delivery_id)
order by delivery_id
limit 1
