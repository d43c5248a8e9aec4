-- The services' rights: to add to the evidence, and to change only what is not evidence. The role owns nothing, so it
-- cannot disable a trigger. A login gets these rights by being a member.

do $$
begin
  create role dossier_service nologin;
exception
  when duplicate_object or unique_violation then null; -- another database of this server has it
end
$$;

grant select, insert on deliveries, events, redeliveries, failed_attempts, dead_letters, decisions, seals to dossier_service;
grant select, insert, update, delete on open_deliveries, settlements, natural_persons to dossier_service;
grant select, insert, update on streams to dossier_service;
grant select on rebuilt_persons to dossier_service;
grant select, insert on appends to dossier_service;
grant update (first_position, feed_hash) on appends to dossier_service;
grant select, update (seq, hash) on chain_heads to dossier_service;
grant select, insert, delete on unsealed to dossier_service;
grant usage on append_ids to dossier_service;
