-- Transactions whose changes are not as many as they recorded, or not numbered from 0 without a gap.
select append_id, concat('append ', append_id, ' with ', coalesce(size, 0), ' changes, numbered from 0') as expected,
  concat(coalesce(changes, 0), ' changes, ', coalesce(numbers, 0), ' numbers from ', first, ' to ', last) as found
from appends
full join (
  select append_id, count(*) as changes, count(distinct ordinal) as numbers, min(ordinal) as first, max(ordinal) as last
  from (
    select append_id, ordinal from events
    union all
    select append_id, ordinal from redeliveries where append_id is not null or ordinal is not null
    union all
    select append_id, ordinal from rebuilt_persons
  ) as change
  group by append_id
) as changed using (append_id)
where (size, size, 0, size - 1) is distinct from (changes, numbers, first, last)
