-- The tokens of the console's API. Only the owner of the tables creates and revokes them; a token itself is not stored.

create table tokens (
  token_id integer generated always as identity primary key,
  token_hash bytea not null unique,
  name text not null check (name <> 'bootstrap'),
  role text not null check (role in ('viewer', 'operator', 'admin')),
  is_service boolean not null,
  created_at timestamptz not null default now(),
  expires_at timestamptz,
  revoked_at timestamptz,
  last_used_at timestamptz
);
comment on column tokens.token_hash is 'SHA-256 of the token, which has 256 random bits.';
comment on column tokens.name is 'Who acts, as each decision records it. DOSSIER_API_TOKEN has the name bootstrap.';
comment on column tokens.is_service is 'Whether a program uses it, and no person.';

create function stamp_token() returns trigger language plpgsql as $$
begin
  new.last_used_at := now();
  return new;
end
$$;

create trigger stamp before update of last_used_at on tokens for each row execute function stamp_token();
