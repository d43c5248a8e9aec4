-- Counts what a rebuild would fold anew. $1: this code's version of the fold; $2: the event types that it knows; $3: how
-- far outdated persons, and the events of each type, are counted. The order keeps a plan for any $1 from reading the whole
-- table. Persons without a row are those of the log less those with a row: to look for each takes ten times as long.
with outdated as (
  select count(*) as persons from (
    (select from natural_persons where fold_version < $1 order by fold_version limit $3)
    union all
    (select from natural_persons where fold_version > $1 order by fold_version limit $3)
    limit $3
  ) as other_versions
)
select
  persons as outdated_persons,
  greatest(0, (select count(*) from streams) - (select count(*) from natural_persons)) as unfolded_persons,
  (
    -- Only an outdated person lacks such events, and most of the time there is none.
    select coalesce(json_object_agg(event, count), '{}')
    from unnest($2::text[]) as known (event), lateral (
      select count(*) from (
        select from events join natural_persons using (entity_id)
        where not recognised and events.event = known.event and fold_version <> $1
        limit $3
      ) as unrecognised
    ) as counted
    where persons > 0 and count > 0
  ) as known_now
from outdated
