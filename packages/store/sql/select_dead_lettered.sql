-- Selects the last dead letter of those deliveries that are settled as $2: dead-lettered or discarded.
select distinct on (delivery_id) delivery_id, reason, message, issues
from settlements
join dead_letters using (delivery_id)
where delivery_id = any ($1::uuid[]) and settled_as = $2
order by delivery_id, dead_letter_id desc
