-- Selects the newest open deliveries: at most $1, with bodies of about $2 bytes together, at least one. Counts the open
-- ones no further than one beyond $1. Returns the bodies of those that may name a person: that contain the id ($3, null
-- for any) or an escape that may stand for a part of it ($4). Says which of them may have stopped a worker.
with newest as (
  select delivery_id, bytes, stalls from open_deliveries order by delivery_id desc limit $1 + 1
),
sized as (
  select delivery_id, stalls, count(*) over () as counted,
    sum(bytes) over (order by delivery_id desc) - bytes as bytes_before
  from newest
)
select delivery_id, counted,
  case when $3::bytea is null or position($3 in body) > 0 or position($4::bytea in body) > 0 then body end as body,
  stalls > 0 or exists (
    select from dead_letters where dead_letters.delivery_id = sized.delivery_id and reason = 'stalled'
  ) as may_stop_workers
from sized
join deliveries using (delivery_id)
where bytes_before < $2::bigint
order by delivery_id desc
limit $1
