-- law: The digest of an event is that of its body.
-- owner: payments
-- runbook: Webhook replay
SELECT id AS event FROM webhook_events WHERE body_sha256 IS DISTINCT FROM sha256(body)
