-- A login that reads the record, for verify, export and psql. It writes nothing but an export's entry of the audit log. As the
-- owner of the tables:
--   psql "$MIGRATION_DATABASE_URL" --set=password=… --file=deploy/reader.sql
\set ON_ERROR_STOP on
select current_database() || '_reader_role' as reader_role \gset
create role auditor login password :'password' in role :"reader_role";
