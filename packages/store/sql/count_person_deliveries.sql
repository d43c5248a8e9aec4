-- Counts the deliveries with a dead letter that names a person ($1), by status; of the open ones also those that were
-- found among them ($2).
select
  count(*) filter (where settled_as is null) as open,
  count(*) filter (where settled_as = 'dead-lettered') as dead_lettered,
  count(*) filter (where settled_as = 'discarded') as discarded
from (
  select delivery_id from dead_letters where entity_id = $1
  union
  select unnest($2::uuid[])
) as concerned
left join settlements using (delivery_id)
