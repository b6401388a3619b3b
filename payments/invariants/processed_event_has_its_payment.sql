-- law: An event that had its effect names its payment; a due one says when it is due.
-- owner: payments
-- runbook: Webhook replay
SELECT id AS event, status, event_type, reference FROM webhook_events
WHERE (status = 'processed' AND (payment_id IS NULL OR processed_at IS NULL))
    OR (status IN ('received', 'retrying') AND next_attempt_at IS NULL)
