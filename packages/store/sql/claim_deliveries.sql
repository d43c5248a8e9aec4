-- Locks the open ones among deliveries. Skips those that another transaction has locked.
select delivery_id, body, digest, (extract(epoch from received_at) * 10000000)::bigint as received_ticks
from open_deliveries
join deliveries using (delivery_id)
where delivery_id = any ($1::uuid[])
order by delivery_id
for update of open_deliveries skip locked
