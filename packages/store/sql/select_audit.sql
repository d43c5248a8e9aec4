-- Selects the entries of the audit log and the decisions that match, the latest first: at most $9, and only those before
-- the one at the time $6 (ticks) of the table $7 with the id $8. A filter that is null matches all.
select source, id, (extract(epoch from at) * 10000000)::bigint as ticks, who, action, subject, reason, detail::text
from (
  (
    select 'audit' as source, audit_id as id, at, who, action, subject, reason, detail
    from audit_log
    where ($1::text is null or who = $1) and ($2::text is null or action = $2) and ($3::text is null or subject = $3)
      and at >= coalesce(to_timestamp($4::bigint / 1e7), '-infinity')
      and at < coalesce(to_timestamp($5::bigint / 1e7), 'infinity')
      and at <= coalesce(to_timestamp($6::bigint / 1e7), 'infinity')
      and ($6 is null or (at, 'audit', audit_id) < (to_timestamp($6 / 1e7), $7::text, $8::bigint))
    order by at desc, audit_id desc
    limit $9
  )
  union all
  (
    select 'decision', decision_id, decided_at, decided_by, made.action, delivery_id::text, reason, null
    from decisions
    join (values ('redrive', 'redrove'), ('discard', 'discarded'), ('restore', 'restored')) as made (decision, action)
      on decision = decisions.action
    where ($1::text is null or decided_by = $1) and ($2::text is null or made.action = $2)
      and ($3::text is null or delivery_id::text = $3)
      and decided_at >= coalesce(to_timestamp($4::bigint / 1e7), '-infinity')
      and decided_at < coalesce(to_timestamp($5::bigint / 1e7), 'infinity')
      and decided_at <= coalesce(to_timestamp($6::bigint / 1e7), 'infinity')
      and ($6 is null or (decided_at, 'decision', decision_id) < (to_timestamp($6 / 1e7), $7::text, $8::bigint))
    order by decided_at desc, decision_id desc
    limit $9
  )
) as entries
order by at desc, source desc, id desc
limit $9
