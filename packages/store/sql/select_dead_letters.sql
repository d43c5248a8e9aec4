-- The deliveries that are dead now, the latest death first. A filter that is null lets all through.
select delivery_id, dead_letter_id, reason, message, event, id, entity_id, code_version,
  (extract(epoch from died_at) * 10000000)::bigint as died_ticks,
  (extract(epoch from received_at) * 10000000)::bigint as received_ticks
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
  and ($7::bigint is null or dead_letter_id < $7)
order by dead_letter_id desc
limit $8
