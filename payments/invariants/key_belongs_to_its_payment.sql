-- law: What an idempotency key made carries that key and belongs to its user.
-- owner: namaskah
-- scope: day
-- runbook: Duplicate payment
SELECT claimed.key, claimed.user_id, claimed.resource FROM idempotency_keys AS claimed
LEFT JOIN (
    SELECT reference, user_id, idempotency_key FROM payment_logs
    UNION ALL SELECT reference, requested_by_id, idempotency_key FROM refunds
) AS made ON made.reference = claimed.resource
WHERE claimed.resource ~ '^(nmk|rfd)-'
    AND (made.user_id, made.idempotency_key) IS DISTINCT FROM (claimed.user_id, claimed.key)
