-- As select_dead_letters, counted by reason.
select reason, count(*) as count
from settlements
join lateral (
  select * from dead_letters where dead_letters.delivery_id = settlements.delivery_id
  order by dead_letter_id desc limit 1
) as death using (delivery_id)
join deliveries using (delivery_id)
where outcome = 'dead'
  and ($1::text is null or reason = $1)
  and ($2::text is null or event = $2)
  and ($3::text is null or entity_id = $3)
  and ($4::timestamptz is null or died_at < $4)
  and ($5::timestamptz is null or died_at >= $5)
  and ($6::bytea is null or position($6 in body) > 0 or position($6 in convert_to(message, 'UTF8')) > 0)
group by reason
order by reason
