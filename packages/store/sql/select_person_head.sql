select seq, hash, (extract(epoch from now()) * 10000000)::bigint as now_ticks
from (values ($1::text)) as person (entity_id)
left join streams using (entity_id)
