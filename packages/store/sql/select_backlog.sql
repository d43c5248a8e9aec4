-- Counts the open deliveries; how long the oldest is open, and the age of the last delivery of all. Ids grow with time, so
-- the greatest is the last, but for differences between ingests' clocks.
select
  (select count(*) from open_deliveries) as open,
  (select extract(epoch from now() - min(opened_at))::float8 from open_deliveries) as oldest_seconds,
  (select extract(epoch from now() - received_at)::float8
   from deliveries order by delivery_id desc limit 1) as last_seconds
