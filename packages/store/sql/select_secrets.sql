-- Selects the first and last use of each webhook secret, by its fingerprint, and whether an ingest accepts it that was
-- seen within $1 seconds. Steps from one fingerprint to the next in the index, as there are few of them.
with recursive used as (
  (select secret_fingerprint as fingerprint from deliveries order by secret_fingerprint limit 1)
  union all
  select (
    select secret_fingerprint from deliveries where secret_fingerprint > used.fingerprint order by secret_fingerprint limit 1
  )
  from used where used.fingerprint is not null
),
accepted as (
  select distinct unnest(secret_fingerprints) as fingerprint
  from instances
  where service = 'ingest' and not stopped and last_seen_at >= now() - make_interval(secs => $1)
),
uses as (
  select fingerprint, accepted.fingerprint is not null as is_accepted,
    (select min(received_at) from deliveries where secret_fingerprint = fingerprint) as first_at,
    (select max(received_at) from deliveries where secret_fingerprint = fingerprint) as last_at
  from (select fingerprint from used where fingerprint is not null union select fingerprint from accepted) as found
  left join accepted using (fingerprint)
)
select fingerprint, is_accepted,
  (extract(epoch from first_at) * 10000000)::bigint as first_ticks,
  (extract(epoch from last_at) * 10000000)::bigint as last_ticks
from uses
order by last_at desc nulls first, fingerprint
