-- Selects the entries of the audit log, the decisions and what was done to bulk actions, the latest first: at most $9, and
-- only those before the one at the time $6 (ticks) of the source $7 with the id $8. A filter that is null matches all. A
-- decision of a bulk action names it as long as the action's set is kept.
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
    select 'decision', decision_id, decided_at, decided_by, made.action, delivery_id::text, reason, (
      select jsonb_build_object('bulkAction', max(bulk_action_id))
      from bulk_actions join bulk_action_deliveries using (bulk_action_id) join dead_letters using (dead_letter_id)
      where dead_letters.delivery_id = decisions.delivery_id and bulk_actions.action = decisions.action
        and confirmed_by = decided_by and bulk_actions.reason = decisions.reason
        and decided_at between confirmed_at and coalesce(ended_at, 'infinity')
      having count(*) > 0
    )
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
  union all
  (
    -- Few: a person made each. The text that one searched for is personal data.
    select source, bulk_action_id, done_at, who, source, null, reason, jsonb_build_object(
      'bulkAction', bulk_action_id, 'decision', bulk_actions.action, 'count', total, 'filter', (
        select coalesce(string_agg(concat_ws(': ', key, case key when 'text' then '•••' else value end), ', '), 'all')
        from jsonb_each_text(filter)
      ))
    from bulk_actions
    cross join lateral (
      values ('bulk-action-created', created_at, created_by), ('bulk-action-confirmed', confirmed_at, confirmed_by),
        ('bulk-action-aborted', ended_at, aborted_by)
    ) as done (source, done_at, who)
    where who is not null and $3::text is null
      and ($1::text is null or who = $1) and ($2::text is null or source = $2)
      and done_at >= coalesce(to_timestamp($4::bigint / 1e7), '-infinity')
      and done_at < coalesce(to_timestamp($5::bigint / 1e7), 'infinity')
      and ($6 is null or (done_at, source, bulk_action_id) < (to_timestamp($6 / 1e7), $7::text, $8::bigint))
    order by done_at desc, source desc, bulk_action_id desc
    limit $9
  )
) as entries
order by at desc, source desc, id desc
limit $9
