-- Times are the database's own, whatever a service writes: a column that a service may insert or update without a right
-- to its time has a default, and these triggers do the rest.

-- The time of receipt, and the digest, in the log are the delivery's. A foreign key would say the same, but would lock
-- each delivery's row, which is a write, and need a second index on the largest table. Deliveries never change, so a
-- check when a row is added is enough.
create function check_delivery() returns trigger language plpgsql as $$
declare
  wrong uuid;
begin
  select added.delivery_id into wrong
  from added
  left join deliveries using (delivery_id)
  where (added.received_at, added.delivery_digest) is distinct from (deliveries.received_at, deliveries.digest)
  limit 1;
  if wrong is not null then
    raise exception 'the log''s time of receipt and digest are not those of delivery %', wrong
      using errcode = 'foreign_key_violation';
  end if;
  return null;
end
$$;

create trigger check_delivery after insert on events
  referencing new table as added for each statement execute function check_delivery();
create trigger check_delivery after insert on redeliveries
  referencing new table as added for each statement execute function check_delivery();

-- No temporary table can take the place of what these read and write.
do $$
begin
  execute format('alter function check_delivery() set search_path = %I, pg_temp', current_schema());
  execute format('alter function record_unsealed() set search_path = %I, pg_temp', current_schema());
end
$$;

create function stamp_settlement() returns trigger language plpgsql as $$
begin
  new.settled_at := now();
  return new;
end
$$;

create trigger stamp before update on settlements for each row execute function stamp_settlement();
