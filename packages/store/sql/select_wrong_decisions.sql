-- Deliveries whose dead letters and decisions do not lead to their settlement: every dead letter is redriven but for the
-- last one of a delivery that is dead-lettered or discarded, and every discard is restored but for the last one of a
-- delivery that is discarded.
select delivery_id,
  concat(
    coalesce(dead_letters, 0), ' dead letters, each but the last of a dead letter redriven, ',
    'and each discard but the last of a discarded one restored'
  ) as expected,
  concat(
    coalesce(redrives, 0), ' redrives, ', coalesce(discards, 0), ' discards, ', coalesce(restores, 0), ' restores, ',
    coalesce(settled_as, 'not settled')
  ) as found
from (select delivery_id, count(*) as dead_letters from dead_letters group by delivery_id) as dead
full join (
  select delivery_id, count(*) filter (where action = 'redrive') as redrives,
    count(*) filter (where action = 'discard') as discards,
    count(*) filter (where action = 'restore') as restores
  from decisions
  group by delivery_id
) as decided using (delivery_id)
left join settlements using (delivery_id)
where coalesce(dead_letters, 0)
    <> coalesce(redrives, 0) + case when settled_as in ('dead-lettered', 'discarded') then 1 else 0 end
  or coalesce(discards, 0) <> coalesce(restores, 0) + case when settled_as = 'discarded' then 1 else 0 end
