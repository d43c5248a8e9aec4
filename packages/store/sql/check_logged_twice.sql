select delivery_id, '1 row in the log' as expected, count(*) || ' rows' as found, count(*) over () as rows
from (select delivery_id from events union all select delivery_id from redeliveries) as entry
group by delivery_id
having count(*) > 1
order by delivery_id
limit 1
