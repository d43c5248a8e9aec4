-- Everyone comes to persons in one order, so that nobody waits in a circle; a new person's row is theirs who made it.
insert into streams (entity_id, seq, hash)
select entity_id, 0, $2::bytea from unnest($1::text[]) as _ (entity_id) order by entity_id collate "C"
on conflict (entity_id) do nothing
