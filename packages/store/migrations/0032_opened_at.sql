-- Since when a delivery is open: its receipt, or its last redrive. A redrive of an old dead letter is no old backlog.

alter table open_deliveries add column opened_at timestamptz not null default now();
comment on column open_deliveries.opened_at is 'When it was received, or last redriven.';

update open_deliveries set opened_at = coalesce(
  (select max(decided_at) from decisions where delivery_id = open_deliveries.delivery_id and action = 'redrive'),
  received_at)
from deliveries where deliveries.delivery_id = open_deliveries.delivery_id;

create index open_deliveries_by_opened on open_deliveries (opened_at);
