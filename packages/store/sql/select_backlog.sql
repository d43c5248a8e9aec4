-- Counts the open deliveries; the age of the oldest, and of the last delivery of all. Ids grow with time, so the least is
-- the oldest and the greatest the last, but for differences between ingests' clocks.
select
  (select count(*) from open_deliveries) as open,
  (select extract(epoch from now() - received_at)::float8
   from deliveries
   where delivery_id = (select delivery_id from open_deliveries order by delivery_id limit 1)) as oldest_seconds,
  (select extract(epoch from now() - received_at)::float8
   from deliveries order by delivery_id desc limit 1) as last_seconds
