-- What is evidence is never changed or removed, by anyone who has no right to alter the tables themselves.

create function refuse_change() returns trigger language plpgsql as $$
begin
  raise exception '% on % is refused: its rows are evidence, and are kept as they were written', tg_op, tg_table_name
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
