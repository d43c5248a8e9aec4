-- Who is signed in to the console's pages. A session is removed when it ends; that it was there is in the audit log.

create table sessions (
  session_hash bytea primary key,
  token_id integer references tokens,
  bootstrap_hash bytea,
  created_at timestamptz not null default now(),
  last_seen_at timestamptz not null default now(),
  check ((token_id is null) = (bootstrap_hash is not null))
);
comment on column sessions.session_hash is 'SHA-256 of the session''s id, which has 256 random bits.';
comment on column sessions.token_id is 'The token that it was made with; null for DOSSIER_API_TOKEN.';
comment on column sessions.bootstrap_hash is 'SHA-256 of the id and DOSSIER_API_TOKEN: the session ends when that changes.';
comment on column sessions.last_seen_at is 'At most a minute before its last request.';
