with arrived as (
  select * from unnest($1::uuid[], $2::bytea[], $3::json[], $4::text[], $5::text[], $6::bytea[], $8::text[])
    as _ (delivery_id, body, headers, verified_by, secret_fingerprint, digest, traceparent)
),
opened as (
  insert into open_deliveries (delivery_id, due_at, bytes, traceparent)
  select delivery_id, now() + make_interval(secs => $7), octet_length(body), traceparent from arrived
)
insert into deliveries (delivery_id, body, headers, verified_by, secret_fingerprint, digest)
select delivery_id, body, headers, verified_by, secret_fingerprint, digest from arrived
