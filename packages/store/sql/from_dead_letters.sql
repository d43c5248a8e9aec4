-- The deliveries that are settled as $7, dead-lettered or discarded, each with its last dead letter. A filter that is null
-- matches all. A delivery's bytes are read for a text alone. They are joined by one column: for two, Postgres expects to find
-- hardly any, and sorts all of them instead of walking the index from its end.
from (
  select settled_as, dead_letter_id, dead_letter_reason from settlements
  where settled_as = $7 and settled_as in ('dead-lettered', 'discarded')
) as undecided
join dead_letters using (dead_letter_id)
where ($1::text is null or dead_letter_reason = $1)
  and ($2::text is null or event = $2)
  and ($3::text is null or entity_id = $3)
  and ($4::bigint is null or (extract(epoch from dead_lettered_at) * 10000000)::bigint < $4)
  and ($5::bigint is null or (extract(epoch from dead_lettered_at) * 10000000)::bigint >= $5)
  and ($6::bytea is null or position($6 in convert_to(message, 'UTF8')) > 0 or position($6 in (
    select body from deliveries where deliveries.delivery_id = dead_letters.delivery_id
  )) > 0)
