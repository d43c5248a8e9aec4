-- Makes empty temporary copies of the tables that settling writes, and has statements of this transaction use them. Of their
-- indexes the copies have only what those statements need: to create each takes longer than to settle a delivery.
do $$
declare
  live text := current_schema();
  name text;
begin
  foreach name in array array[
    'streams', 'events', 'redeliveries', 'appends', 'natural_persons', 'open_deliveries', 'settlements', 'decisions'
  ] loop
    execute format(
      'create temporary table %I (like %I.%I including constraints including defaults including identity) on commit drop',
      name, live, name
    );
  end loop;
  create unique index on pg_temp.streams (entity_id);
  create unique index on pg_temp.natural_persons (entity_id);
  create unique index on pg_temp.events (entity_id, event, id);
  create index on pg_temp.redeliveries (entity_id, event, id);
  create temporary sequence append_ids;
  -- Named, so that statements that were prepared for the live tables are prepared anew.
  perform set_config('search_path', format('pg_temp, %I', live), true);
end
$$
