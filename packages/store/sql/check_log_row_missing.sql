-- Deliveries settled as told into the log, of which the log knows nothing: a row, or a whole person, was removed.
select delivery_id, expected, 'none' as found, count(*) over () as rows
from (
  select delivery_id, 'a row in events' as expected
  from settlements
  where outcome = 'applied' and not exists (select from events where events.delivery_id = settlements.delivery_id)
  union all
  select delivery_id, 'a row in redeliveries'
  from settlements
  where outcome = 'duplicate' and not exists (select from redeliveries where redeliveries.delivery_id = settlements.delivery_id)
) as missing
order by delivery_id
limit 1
