-- law: An event is stored once, however often it was delivered.
-- owner: payments
-- runbook: Webhook replay
SELECT object_id, event_type, encode(body_sha256, 'hex') AS body_sha256, count(*) AS rows FROM webhook_events
GROUP BY object_id, event_type, body_sha256 HAVING count(*) > 1
