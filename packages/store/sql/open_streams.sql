-- Locks are taken in one order, so there is no deadlock. The transaction that inserts a new person's row holds its lock.
insert into streams (entity_id, seq, hash)
select entity_id, 0, $2::bytea from unnest($1::text[]) as _ (entity_id) order by entity_id collate "C"
on conflict (entity_id) do nothing
