-- Selects the bodies of deliveries in the order of their ids, behind the id $2 (null: all), until they have $3 bytes
-- together: at least one.
select delivery_id, body
from (
  select delivery_id, body, sum(octet_length(body)) over (order by delivery_id) - octet_length(body) as bytes_before
  from deliveries
  where delivery_id = any ($1::uuid[]) and ($2::uuid is null or delivery_id > $2)
) as sized
where bytes_before < $3::bigint
order by delivery_id
