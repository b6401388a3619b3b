-- law: A refund on its way has a time at which it is looked at.
-- owner: payments
-- runbook: Refund stuck
SELECT reference, state, next_check_at FROM refunds
WHERE state IN ('approved', 'submitting', 'unknown', 'submitted')
    AND (next_check_at IS NULL OR next_check_at < now() - interval '1 hour')
    -- Looks that all fail put the next one off each time.
    OR (state IN ('submitting', 'unknown') AND submitted_at < now() - interval '2 hours')
