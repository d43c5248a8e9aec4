-- For the console's worklist: persons who are not approved yet, by the time of their last event, and those to review.
-- Their cost is lost in the noise of a benchmark of settling.

create index natural_persons_waiting on natural_persons (status, last_ticks) where status not in ('unknown', 'approved');
create index natural_persons_to_review on natural_persons (last_ticks) where review_needed;
