-- The login of KEDA's scaler, which sees how many deliveries are open and since when, and nothing of what they say.
-- Run it once in Dossier's database as the tables' owner, and give the login a password afterwards:
--   psql "$MIGRATION_DATABASE_URL" --file deploy/kubernetes/components/keda/scaler.sql
--   psql "$MIGRATION_DATABASE_URL" --command '\password dossier_scaler'
create role dossier_scaler login connection limit 5;
alter role dossier_scaler set statement_timeout = '5s';
do $$ begin execute format('grant connect on database %I to dossier_scaler', current_database()); end $$;
grant usage on schema public to dossier_scaler;
grant select (opened_at, attempts, snoozed_until) on open_deliveries to dossier_scaler;
