with sealed as (
  insert into seals (seq, kind, record_id, hash)
  select * from unnest($1::bigint[], $2::text[], $3::bigint[], $4::bytea[])
  returning kind, record_id
)
delete from unsealed using sealed
where (unsealed.kind, unsealed.record_id) = (sealed.kind, sealed.record_id)
