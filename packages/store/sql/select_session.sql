-- Selects the session with the hash $1, unless it is idle for $2 seconds, or older than $3 seconds, or its token is
-- revoked or expired; and whether its use was recorded within the last minute.
select token_id, name, role, bootstrap_hash, last_seen_at >= now() - interval '1 minute' as is_use_recorded
from sessions
left join tokens using (token_id)
where session_hash = $1
  and last_seen_at >= now() - make_interval(secs => $2)
  and sessions.created_at >= now() - make_interval(secs => $3)
  and revoked_at is null and (expires_at is null or expires_at > now())
