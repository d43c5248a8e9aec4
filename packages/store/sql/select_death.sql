-- Why a delivery is dead; nothing where it is not.
select reason, message
from settlements
join dead_letters using (delivery_id)
where delivery_id = $1 and outcome = 'dead'
order by dead_letter_id desc
limit 1
