-- law: A payment without an outcome has a time at which the gateway is asked.
-- owner: payments
-- runbook: Payment stuck
SELECT reference, state, created_at, next_check_at FROM payment_logs
WHERE state IN ('pending', 'processing') AND review_reason = ''
    AND (next_check_at IS NULL OR next_check_at < now() - interval '1 hour'
        -- Looks that all fail put the next one off each time; the last one is after three days.
        OR created_at < now() - interval '5 days')
