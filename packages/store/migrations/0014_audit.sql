-- What was done in the console, beside the decisions about dead letters, which have a table of their own: kept for ever.

create table audit_log (
  audit_id bigint generated always as identity primary key,
  at timestamptz not null default now(),
  who text,
  action text not null check (
    action in ('signed-in', 'signed-out', 'sign-in-failed', 'revealed', 'exported', 'verified', 'read')
  ),
  subject text,
  reason text,
  detail jsonb
);
comment on column audit_log.who is 'The name of the token; null for a sign-in with a token that is not known.';
comment on column audit_log.subject is 'The person (entityId) or the delivery that it was done to; null if none.';
comment on column audit_log.reason is 'Why it was done, as its doer says, or why it failed.';
comment on column audit_log.detail is 'What else there is to know; no personal data, no secret.';
create index audit_log_by_time on audit_log (at, audit_id);
create index decisions_by_time on decisions (decided_at, decision_id);

create trigger append_only before update or delete or truncate on audit_log
  for each statement execute function refuse_change();
