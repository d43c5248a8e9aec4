-- Deliveries settled as told into the log, of which the log knows nothing: a row, or a whole person, was removed.
select delivery_id, case outcome when 'applied' then 'a row in events' else 'a row in resends' end as expected,
  'none' as found, count(*) over () as rows
from settlements
where outcome = 'applied' and not exists (select from events where events.delivery_id = settlements.delivery_id)
  or outcome = 'duplicate' and not exists (select from resends where resends.delivery_id = settlements.delivery_id)
order by delivery_id
limit 1
