-- law: No key, token, authorization code or card number stands in what we keep of the gateway's words, of errors, or of what staff wrote.
-- owner: payments
-- runbook: Key rotation
SELECT kind, id, substring(kept FROM '(sk_live_|sk_test_|Bearer |AUTH_)') AS begins_with FROM (
    SELECT 'call' AS kind, id, concat_ws(' ', to_json(error), request, answer) AS kept FROM gateway_calls
    UNION ALL SELECT 'event', id, to_json(error)::text FROM webhook_events
    UNION ALL SELECT 'attempt', id, concat_ws(' ', to_json(error), to_json(reason)) FROM webhook_attempts
    UNION ALL SELECT 'payment', id, concat_ws(' ', to_json(error_message), state_transitions) FROM payment_logs
    UNION ALL SELECT 'refund', id, concat_ws(' ', to_json(error_message), to_json(reason)) FROM refunds
    -- Its subject is left out: it may be what somebody typed as a username.
    UNION ALL SELECT 'audit entry', id, concat_ws(' ', to_json(reason), before, after) FROM audit_log
    UNION ALL SELECT 'note', id, to_json(text)::text FROM notes
    UNION ALL SELECT 'answer', id, to_json(encode(response_body, 'escape'))::text FROM idempotency_keys
) AS texts
WHERE kept ~ '(sk_(live|test)_|AUTH_)[A-Za-z0-9]{8}|Bearer [A-Za-z0-9._-]{8}'
    -- Within a text: numbers by themselves are ids and amounts. One id in 3,000 looks like a card number.
    OR regexp_replace(kept, '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}', '', 'g')
        ~ '"[^"]*\m([3-6][0-9]{3}([[:space:].-]?[0-9]{4}){2}[[:space:].-]?[0-9]{3,4}|3[47][0-9]{2}[[:space:].-]?[0-9]{6}[[:space:].-]?[0-9]{5})\M'
