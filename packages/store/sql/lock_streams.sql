-- In the same order as they are opened; a statement of its own, to see persons whom others opened meanwhile.
select entity_id, seq, hash from streams where entity_id = any ($1::text[]) order by entity_id for update
