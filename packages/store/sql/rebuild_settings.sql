-- The log is sorted by person, which spills to disk, and then streamed; hashing would gather all of it first.
select set_config(name, setting, true)
from (values ('enable_hashagg', 'off'), ('enable_hashjoin', 'off'), ('maintenance_work_mem', '128MB')) as _ (name, setting)
