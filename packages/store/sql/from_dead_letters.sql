-- The deliveries that are settled as $7, dead-lettered or discarded, each with its last dead letter. A filter that is null
-- matches all. A delivery's bytes are read for a text alone. `lateral` and `offset 0` keep the planner from
-- reading all dead letters and sorting them for one page.
from settlements
cross join lateral (
  select reason, message, event, id, entity_id, code_version, dead_lettered_at from dead_letters
  where dead_letters.dead_letter_id = settlements.dead_letter_id
  offset 0
) as dead_letter
where settled_as = $7 and settled_as in ('dead-lettered', 'discarded')
  and ($1::text is null or dead_letter_reason = $1)
  and ($2::text is null or event = $2)
  and ($3::text is null or entity_id = $3)
  and ($4::bigint is null or (extract(epoch from dead_lettered_at) * 10000000)::bigint < $4)
  and ($5::bigint is null or (extract(epoch from dead_lettered_at) * 10000000)::bigint >= $5)
  and ($6::bytea is null or position($6 in convert_to(message, 'UTF8')) > 0 or position($6 in (
    select body from deliveries where deliveries.delivery_id = settlements.delivery_id
  )) > 0)
