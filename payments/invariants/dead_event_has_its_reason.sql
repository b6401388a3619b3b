-- law: An event is where one can be; a dead, quarantined or ignored one says why, and only a due one is due.
-- owner: payments
-- runbook: Webhook replay
SELECT id AS event, status, event_type, error_class, next_attempt_at FROM webhook_events
WHERE status NOT IN ('received', 'retrying', 'processed', 'ignored', 'quarantined', 'dead', 'dismissed')
    OR (status IN ('dead', 'quarantined', 'ignored') AND error_class = '')
    OR (status NOT IN ('received', 'retrying') AND next_attempt_at IS NOT NULL)
