-- One at a time gives positions; whoever finds another at it need not wait. Ends with the transaction.
select pg_try_advisory_xact_lock(hashtextextended('dossier: positions of the change feed', 0)) as locked
