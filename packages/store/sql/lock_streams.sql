-- Everyone locks persons in one order, so that nobody waits in a circle.
insert into streams as stream (entity_id, seq, hash)
select entity_id, 0, $2::bytea from unnest($1::text[]) as _ (entity_id) order by entity_id collate "C"
on conflict (entity_id) do update set seq = stream.seq
returning entity_id, seq, hash
