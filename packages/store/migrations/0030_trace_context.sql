alter table open_deliveries add column traceparent text;
comment on column open_deliveries.traceparent is 'The W3C trace context of the request that brought it, if that is traced.';
