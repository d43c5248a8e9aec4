-- Appends a change to the feed for each person whose state the rebuild changes, 1,000 at a time. Nobody else can append
-- now, so these come after all that the rebuild has read.
with numbered as (
  select entity_id, row_number() over (order by entity_id) - 1 as number, uuid_send(gen_random_uuid()) as hash
  from dossier_rebuild.changed
),
append as (
  select chunk, nextval('append_ids') as append_id from (select distinct number / 1000 as chunk from numbered) as chunks
),
recorded as (
  insert into rebuilt_persons (append_id, ordinal, entity_id, hash)
  select append_id, number % 1000, entity_id, hash
  from numbered
  join append on chunk = number / 1000
)
insert into appends (append_id, size, statuses, changes_hash)
select append_id, count(*), array_agg(status order by number), sha256(string_agg(hash, '' order by number))
from numbered
join append on chunk = number / 1000
left join dossier_rebuild.natural_persons using (entity_id)
group by append_id
