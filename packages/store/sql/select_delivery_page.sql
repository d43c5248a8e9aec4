-- Searches deliveries backwards from $1 (exclusive) to $2: at most $6, or as many as have bodies of $7 bytes. Of those that
-- match selects the first $12, or as many as have bodies of $13 bytes, and says how far the search came. A filter that
-- is null matches all: the status ($3), the person ($4, and the open deliveries $5 that name them), the secret ($8), the
-- times of receipt ($9, $10), the event's type ($11) or a text ($14). The type is only searched for; whoever reads the
-- page parses it. Leaves out the bodies of those that may have stopped a worker. `offset 0` keeps the planner from reading
-- all deliveries, as it expects to find some soon, and from sorting bodies.
with candidates as materialized (
  (select delivery_id from deliveries
   where $3::text is null and $4::text is null and delivery_id < $1::uuid and delivery_id >= $2::uuid
   order by delivery_id desc limit $6::integer)
  union all
  (select delivery_id from open_deliveries
   where $3 = 'open' and $4 is null and delivery_id < $1 and delivery_id >= $2
   order by delivery_id desc limit $6)
  union all
  (select delivery_id from settlements
   where settled_as in ('dead-lettered', 'discarded') and settled_as = $3 and $4 is null
     and delivery_id < $1 and delivery_id >= $2
   order by delivery_id desc limit $6)
  union all
  (select delivery_id from settlements
   where $3 in ('applied', 'duplicate') and $4 is null and delivery_id < $1 and delivery_id >= $2
   order by delivery_id desc limit $6)
  union all
  (select delivery_id from (
     select delivery_id from events where entity_id = $4
     union
     select delivery_id from redeliveries where entity_id = $4
     union
     select delivery_id from dead_letters where entity_id = $4
     union
     select unnest($5::uuid[])
   ) as concerned
   where delivery_id < $1 and delivery_id >= $2
   order by delivery_id desc limit $6)
),
sized as materialized (
  select delivery_id, bytes, sum(bytes) over (order by delivery_id desc) - bytes as bytes_before
  from (
    select delivery_id,
      (select octet_length(body) from deliveries where deliveries.delivery_id = candidates.delivery_id) as bytes
    from candidates
    offset 0
  ) as measured
),
searched as materialized (
  select delivery_id, bytes from sized where bytes_before < $7::bigint
),
matching as materialized (
  select delivery_id, searched.bytes
  from searched
  join lateral (
    select * from deliveries where deliveries.delivery_id = searched.delivery_id offset 0
  ) as deliveries using (delivery_id)
  where ($3 is null or $3 = coalesce(
      (select settled_as from settlements where settlements.delivery_id = deliveries.delivery_id), 'open'
    ))
    and ($8::text is null or secret_fingerprint = $8)
    and ($9::bigint is null or (extract(epoch from received_at) * 10000000)::bigint >= $9)
    and ($10::bigint is null or (extract(epoch from received_at) * 10000000)::bigint < $10)
    and ($11::bytea is null or position($11 in body) > 0 or position('\x5c'::bytea in body) > 0)
    and ($14::bytea is null or position($14 in body) > 0)
  order by delivery_id desc
  limit $12::integer
),
found as (
  select *, coalesce(settled_as, 'open') as status,
    sum(bytes) over (order by delivery_id desc) - bytes as bytes_before, count(*) over () as matches
  from matching
  left join settlements using (delivery_id)
),
page as (
  select delivery_id, status, found.bytes, matches, verified_by, secret_fingerprint, dead_letter_reason as reason,
    (extract(epoch from received_at) * 10000000)::bigint as received_ticks,
    case when status in ('applied', 'duplicate') or not (coalesce(stalls, 0) > 0 or exists (
      select from dead_letters where dead_letters.delivery_id = found.delivery_id and reason = 'stalled'
    )) then body end as body
  from found
  join deliveries using (delivery_id)
  left join open_deliveries using (delivery_id)
  where bytes_before < $13::bigint
)
select search.*, page.*
from (
  select (select count(*) from candidates) as candidates, (select count(*) from searched) as searched,
    (select delivery_id from searched order by delivery_id limit 1) as last_searched
) as search
left join page on true
order by delivery_id desc
