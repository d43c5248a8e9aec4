-- What the console reads of persons takes some milliseconds, or tens of them. To start further processes for it, and to wait
-- for each, takes longer, most of all while many read and workers write.
alter table natural_persons set (parallel_workers = 0);
alter table person_search set (parallel_workers = 0);
