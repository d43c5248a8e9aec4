-- For the statistics: events of types that the code did not know. Events of known types are not in the index.

create index events_unrecognised on events (event, received_at) where not recognised;
