-- A prepared plan is kept while the tables grow: a scan of a whole table must not be chosen because it was small once.
select set_config(name, 'off', true) from unnest(array['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin']) as _ (name)
