-- Selects the next persons, at most $2, that together have about $3 entries; at least one.
select entity_id, entries
from (
  select entity_id, entries, sum(entries) over (order by entity_id) - entries as entries_before
  from (select entity_id, seq as entries from streams where entity_id > $1 order by entity_id limit $2) as next
) as counted
where entries_before < $3
order by entity_id
