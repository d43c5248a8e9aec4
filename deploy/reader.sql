-- A login that reads the record and writes nothing, for verify, export and psql. As the owner of the tables:
--   psql "$MIGRATION_DATABASE_URL" --set=password=… --file=deploy/reader.sql
\set ON_ERROR_STOP on
select current_database() || '_reader_role' as reader_role \gset
create role auditor login password :'password' in role :"reader_role";
