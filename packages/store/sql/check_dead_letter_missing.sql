select delivery_id, 'a row in dead_letters' as expected, 'none' as found, count(*) over () as rows
from settlements
where outcome in ('dead-lettered', 'discarded')
  and not exists (select from dead_letters where dead_letters.delivery_id = settlements.delivery_id)
order by delivery_id
limit 1
