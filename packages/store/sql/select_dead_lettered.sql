-- Why those of these deliveries that are dead are: the last death of each.
select distinct on (delivery_id) delivery_id, reason, message
from settlements
join dead_letters using (delivery_id)
where delivery_id = any ($1::uuid[]) and outcome = 'dead-lettered'
order by delivery_id, dead_letter_id desc
