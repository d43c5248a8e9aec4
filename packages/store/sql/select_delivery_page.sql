-- Searches the deliveries that a source (see delivery-page.ts) selects from $1 (exclusive) backwards to $2: at most $4, or as
-- many as have bodies of $5 bytes. Of those that match selects the first $10, or as many as have bodies of $11 bytes, and
-- whatever was searched last. Says which number each has among those that were searched, whether the source has no further
-- one, and how many were selected before they were cut to $11 bytes. A filter that is null matches all: the status ($3),
-- the secret ($6), the times of receipt ($7, $8), the event's type ($9) or a text ($12). The type is only searched for;
-- whoever reads the page parses it. Leaves out the bodies of those that may have stopped a worker. Reads one delivery after
-- the other, in order, until the page is full: `offset 0` and `lateral` keep the planner from joining all deliveries, and
-- no more than the page is sorted.
select page.delivery_id, number, is_end, matches, listed, bytes, verified_by, secret_fingerprint,
  coalesce(settled_as, 'open') as status, dead_letter_reason as reason,
  (extract(epoch from received_at) * 10000000)::bigint as received_ticks,
  case when matches and (settled_as in ('applied', 'duplicate') or not (
    exists (select from open_deliveries where open_deliveries.delivery_id = page.delivery_id and stalls > 0)
    or exists (select from dead_letters where dead_letters.delivery_id = page.delivery_id and reason = 'stalled')
  )) then body end as body
from (
  select *, sum(bytes) over (order by delivery_id desc) - bytes as bytes_before, count(*) over () as listed
  from (
    select *
    from (
      select *,
        ($3::text is null or candidate_status = $3)
        and ($6::text is null or secret_fingerprint = $6)
        and ($7::bigint is null or (extract(epoch from received_at) * 10000000)::bigint >= $7)
        and ($8::bigint is null or (extract(epoch from received_at) * 10000000)::bigint < $8)
        and ($9::bytea is null or position($9 in body) > 0 or position('\x5c'::bytea in body) > 0)
        and ($12::bytea is null or position($12 in body) > 0) as matches
      from (
        select *, coalesce(octet_length(body), 0) as bytes, row_number() over searched as number,
          lead(delivery_id) over searched is null as is_end,
          sum(coalesce(octet_length(body), 0)) over searched as bytes_searched
        from (SOURCE) as candidates
        window searched as (order by delivery_id desc)
      ) as sized
    ) as judged
    where bytes_searched - bytes < $5::bigint and (matches or is_end or bytes_searched >= $5)
    limit $10::integer
  ) as selected
) as page
left join lateral (
  select settled_as, dead_letter_reason from settlements where settlements.delivery_id = page.delivery_id offset 0
) as settlement on true
where bytes_before < $11::bigint
order by page.delivery_id desc
