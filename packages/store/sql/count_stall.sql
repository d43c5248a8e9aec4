-- Counts that a worker begins to settle an open delivery alone. Does nothing if another transaction has locked it.
with taken as materialized (
  select delivery_id from open_deliveries where delivery_id = $1 for update skip locked
)
update open_deliveries set stalls = stalls + 1
from taken
where open_deliveries.delivery_id = taken.delivery_id
returning stalls
