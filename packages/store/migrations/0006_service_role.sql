-- The services' rights: to add to the evidence, and to change only what is no evidence. They own nothing, so they
-- cannot switch a trigger off. A login role gets these rights by being a member.

do $$
begin
  create role dossier_service nologin;
exception
  when duplicate_object or unique_violation then null; -- roles belong to the whole server: another database made it
end
$$;

grant select, insert on deliveries, events, redeliveries, failed_attempts, dead_letters, decisions to dossier_service;
grant select, insert, update, delete on open_deliveries, settlements, natural_persons to dossier_service;
grant select, insert, update on streams to dossier_service;
grant select, insert on appends to dossier_service;
grant update (first_position) on appends to dossier_service;
grant usage on append_ids to dossier_service;
