-- Counts what a rebuild would fold anew, at most $3 of each, from indexes alone. $1: this code's version of the fold;
-- $2: the event types that it knows. The order keeps a plan for any $1 from reading the whole table.
select
  (
    select count(*) from (
      (select from natural_persons where fold_version < $1 order by fold_version limit $3)
      union all
      (select from natural_persons where fold_version > $1 order by fold_version limit $3)
      limit $3
    ) as outdated
  ) as outdated_persons,
  (
    select count(*) from (select entity_id from streams order by entity_id limit $3) as first
    where not exists (select from natural_persons where natural_persons.entity_id = first.entity_id)
  ) as unfolded_persons,
  (
    select coalesce(json_object_agg(event, count), '{}') from (
      select event, count(*) as count
      from (
        select event, entity_id from events where not recognised and event = any ($2) order by event limit $3
      ) as unrecognised
      join natural_persons using (entity_id)
      where fold_version <> $1
      group by event
    ) as counted
  ) as known_now
