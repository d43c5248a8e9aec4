-- Break-glass: for whom, and why, personal data was shown unmasked in the console. Kept for ever.

create table reveals (
  reveal_id bigint generated always as identity primary key,
  session_hash bytea not null,
  subject text collate "C" not null,
  who text not null,
  reason text not null,
  revealed_at timestamptz not null default now()
);
comment on column reveals.session_hash is 'As in sessions, where its session is until it ends; or as in tokens, of a reveal by the API.';
comment on column reveals.subject is 'The person (entityId); or a delivery whose bytes do not say whom it concerns (deliveryId).';
comment on column reveals.revealed_at is 'The subject is shown unmasked in that session for 15 minutes from then.';
create index reveals_by_session on reveals (session_hash, subject, revealed_at);

create trigger append_only before update or delete or truncate on reveals
  for each statement execute function refuse_change();

-- For the list of persons with events that the code does not know.
create index events_unrecognised_by_person on events (entity_id, event) where not recognised;

-- For the last verification of a person.
create index audit_log_by_subject on audit_log (subject, at) where subject is not null;
