with arrived as (
  select * from unnest($1::uuid[], $2::bytea[], $3::json[], $4::text[], $5::text[], $6::bytea[])
    as _ (delivery_id, body, headers, verified_by, secret_fingerprint, digest)
),
opened as (
  insert into open_deliveries (delivery_id, due_at, bytes)
  select delivery_id, now() + make_interval(secs => $7), octet_length(body) from arrived
)
insert into deliveries (delivery_id, body, headers, verified_by, secret_fingerprint, digest)
select delivery_id, body, headers, verified_by, secret_fingerprint, digest from arrived
