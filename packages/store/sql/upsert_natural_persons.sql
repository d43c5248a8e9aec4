insert into natural_persons (entity_id, status, search, state, last_ticks, last_event, last_id, fold_version)
select * from unnest(
  $1::text[], $2::text[], $3::text[], string_to_array($4, E'\n')::json[], $5::bigint[], $6::text[], $7::text[],
  $8::integer[]
)
on conflict (entity_id) do update set
  status = excluded.status,
  search = excluded.search,
  state = excluded.state,
  last_ticks = excluded.last_ticks,
  last_event = excluded.last_event,
  last_id = excluded.last_id,
  fold_version = excluded.fold_version
