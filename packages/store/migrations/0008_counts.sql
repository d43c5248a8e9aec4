-- What the statistics count: only what is rare among events is indexed for it, so the usual event pays nothing.

create index events_of_undocumented_types on events (event) where event not in (
  'NaturalPersonPending', 'NaturalPersonStartedIDUpload', 'NaturalPersonUploadedID',
  'NaturalPersonUploadedSupportingDocument', 'NaturalPersonManuallyApproved', 'NaturalPersonAutoApproved'
);
