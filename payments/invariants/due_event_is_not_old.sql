-- law: No event waits for longer than an hour.
-- owner: payments
-- scope: everything
-- runbook: Webhook replay
SELECT id AS event, status, attempts, next_attempt_at FROM webhook_events
WHERE status IN ('received', 'retrying') AND next_attempt_at < now() - interval '1 hour'
