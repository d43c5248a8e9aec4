-- Makes empty temporary copies of the tables that settling writes, and has statements of this transaction use them.
do $$
declare
  live text := current_schema();
  name text;
begin
  foreach name in array array[
    'streams', 'events', 'redeliveries', 'appends', 'natural_persons', 'open_deliveries', 'settlements', 'decisions'
  ] loop
    execute format('create temporary table %I (like %I.%I including all) on commit drop', name, live, name);
  end loop;
  create temporary sequence append_ids;
  -- Named, so that statements that were prepared for the live tables are prepared anew.
  perform set_config('search_path', format('pg_temp, %I', live), true);
end
$$
