-- law: A user's key stands on one attempt that was not superseded.
-- owner: payments
-- runbook: Duplicate payment
SELECT user_id, idempotency_key, count(*) AS attempts FROM payment_logs
WHERE superseded_by_id IS NULL GROUP BY user_id, idempotency_key HAVING count(*) > 1
