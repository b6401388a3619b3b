-- law: No idempotency key is held for longer than its lease and a while.
-- owner: namaskah
-- scope: day
-- runbook: Payment stuck
SELECT key, user_id, recovery_point, locked_at FROM idempotency_keys
WHERE owner_token IS NOT NULL AND locked_at < now() - interval '1 day'
