-- Selects the data of the first of these events, in their order, until their deliveries' bodies have $4 bytes. A body's
-- length is known without reading it.
select data
from (
  select number, data,
    sum(octet_length(body)) over (order by number rows between unbounded preceding and 1 preceding) as bytes_before
  from unnest($1::text[], $2::text[], $3::text[]) with ordinality as wanted (entity_id, event, id, number)
  join events using (entity_id, event, id)
  join deliveries using (delivery_id)
) as sized
where coalesce(bytes_before, 0) < $4::bigint
order by number
