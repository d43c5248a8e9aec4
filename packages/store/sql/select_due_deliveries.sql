-- Each is due again only after $1 seconds, however many sweepers there are.
update open_deliveries set due_at = now() + make_interval(secs => $1)
where delivery_id in (
  select delivery_id from open_deliveries where due_at <= now() order by due_at limit $2 for update skip locked
)
returning delivery_id
