-- Open deliveries, at most $1; since when the oldest is open, and when the last delivery of all was received (ticks); and the
-- longest time in the last 24 hours in which no webhook was accepted, by whole minutes.
select
  (select count(*) from (select from open_deliveries limit $1) as counted) as open,
  (select (extract(epoch from min(opened_at)) * 10000000)::bigint from open_deliveries) as oldest_open,
  (select (extract(epoch from received_at) * 10000000)::bigint
   from deliveries order by delivery_id desc limit 1) as last_accepted,
  (select extract(epoch from max(minute - before))::float8
   from (
     select minute, lag(minute) over (order by minute) as before
     from (
       select distinct minute from instance_minutes
       where minute >= now() - interval '24 hours' and service = 'ingest' and counts ? 'webhook/accepted'
     ) as minutes
   ) as gaps) as longest_gap_seconds
