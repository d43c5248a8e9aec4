-- Transactions whose changes are not as many as they recorded, not numbered from 0 without a gap, or not those that were
-- appended, in their order.
select append_id, concat('append ', append_id, ' with ', coalesce(size, 0), ' changes, numbered from 0',
    ', with hash ' || encode(changes_hash, 'hex')) as expected,
  concat(coalesce(changes, 0), ' changes, ', coalesce(numbers, 0), ' numbers from ', first, ' to ', last,
    ', with hash ' || encode(sha256(hashes), 'hex')) as found
from appends
full join (
  select append_id, count(*) as changes, count(distinct ordinal) as numbers, min(ordinal) as first, max(ordinal) as last,
    string_agg(hash, '' order by ordinal) as hashes
  from (
    select append_id, ordinal, hash from events
    union all
    select append_id, ordinal, hash from redeliveries where append_id is not null or ordinal is not null
    union all
    select append_id, ordinal, hash from rebuilt_persons
  ) as change
  group by append_id
) as changed using (append_id)
where (size, size, 0, size - 1, changes_hash) is distinct from (changes, numbers, first, last, sha256(hashes))
