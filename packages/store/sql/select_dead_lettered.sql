-- Selects the last dead letter of those deliveries that are dead-lettered now.
select distinct on (delivery_id) delivery_id, reason, message, issues
from settlements
join dead_letters using (delivery_id)
where delivery_id = any ($1::uuid[]) and settled_as = 'dead-lettered'
order by delivery_id, dead_letter_id desc
