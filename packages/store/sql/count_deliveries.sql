-- Exact where someone acts on the number; an estimate, kept by the planner's statistics, where it only grows.
select
  (select count(*) from open_deliveries) as open,
  (select extract(epoch from now() - min(received_at))::float8
   from (select delivery_id from open_deliveries order by delivery_id limit 1) as oldest
   join deliveries using (delivery_id)) as oldest_open_seconds,
  (select count(*) from settlements where outcome = 'dead') as dead,
  (select count(*) from settlements where outcome = 'discarded') as discarded,
  (select greatest(reltuples, 0)::bigint from pg_class where oid = 'deliveries'::regclass) as about_all,
  (select greatest(reltuples, 0)::bigint from pg_class where oid = 'events'::regclass) as about_events,
  (select greatest(reltuples, 0)::bigint from pg_class where oid = 'resends'::regclass) as about_resends
