-- The condition is that of the index events_of_undocumented_types, to the letter.
select event, count(*) as count
from events
where event not in (
  'NaturalPersonPending', 'NaturalPersonStartedIDUpload', 'NaturalPersonUploadedID',
  'NaturalPersonUploadedSupportingDocument', 'NaturalPersonManuallyApproved', 'NaturalPersonAutoApproved'
)
group by event
order by event
