-- What is dead-lettered or discarded, with its last dead letter: so that lists begin at the latest, and counts by reason
-- read an index alone, however many dead letters there ever were.

alter table settlements add column dead_letter_id bigint, add column dead_letter_reason text;
comment on column settlements.dead_letter_id is 'The delivery''s last dead letter, if it was dead-lettered; set by a trigger, as is its reason.';

alter table settlements disable trigger stamp;
update settlements set dead_letter_id = last.dead_letter_id, dead_letter_reason = last.reason
from (
  select distinct on (delivery_id) delivery_id, dead_letter_id, reason from dead_letters
  order by delivery_id, dead_letter_id desc
) as last
where settlements.delivery_id = last.delivery_id and settled_as in ('dead-lettered', 'discarded');
alter table settlements enable trigger stamp;

create index settlements_undecided on settlements (settled_as, dead_letter_id) include (dead_letter_reason)
  where settled_as in ('dead-lettered', 'discarded');

create function name_dead_letter() returns trigger language plpgsql as $$
begin
  select dead_letter_id, reason into new.dead_letter_id, new.dead_letter_reason
  from dead_letters where delivery_id = new.delivery_id order by dead_letter_id desc limit 1;
  return new;
end
$$;

do $$
begin
  execute format('alter function name_dead_letter() set search_path = %I, pg_temp', current_schema());
end
$$;

create trigger name_dead_letter before insert on settlements
  for each row when (new.settled_as = 'dead-lettered') execute function name_dead_letter();
