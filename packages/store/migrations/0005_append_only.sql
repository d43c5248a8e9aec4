-- Evidence is never changed or removed, except by a role that may alter the tables themselves.

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% on % is refused: its rows are evidence and cannot be changed', tg_op, tg_table_name
    using errcode = 'restrict_violation';
end
$$;

create trigger append_only before update or delete or truncate on deliveries
  for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on events
  for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on redeliveries
  for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on failed_attempts
  for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on dead_letters
  for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on decisions
  for each statement execute function refuse_change();
create trigger append_only before update or delete or truncate on seals
  for each statement execute function refuse_change();
