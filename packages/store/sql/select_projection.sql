-- Selects the projection of one person, or of all ($1 null), with the copy that is searched.
select entity_id, status, review_needed, natural_persons.search, state, last_ticks, last_event, last_id,
  fold_version, person_search.search as indexed
from natural_persons
full join person_search using (entity_id)
where $1::text is null or entity_id = $1
order by entity_id
