insert into natural_persons (
  entity_id, status, review_needed, search, state, last_ticks, last_event, last_id, fold_version
)
select * from unnest(
  $1::text[], $2::text[], $3::boolean[], $4::text[], string_to_array($5, E'\n')::json[], $6::bigint[], $7::text[],
  $8::text[], $9::integer[]
)
on conflict (entity_id) do update set
  status = excluded.status,
  review_needed = excluded.review_needed,
  search = excluded.search,
  state = excluded.state,
  last_ticks = excluded.last_ticks,
  last_event = excluded.last_event,
  last_id = excluded.last_id,
  fold_version = excluded.fold_version
