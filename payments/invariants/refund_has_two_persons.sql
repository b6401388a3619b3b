-- law: A refund that needs approval was decided by another person than the one who asked.
-- owner: payments
-- runbook: Refund stuck
SELECT reference, state, requested_by_id, decided_by_id FROM refunds
WHERE needs_approval AND state <> 'awaiting_approval'
    AND (decided_by_id IS NULL OR decided_by_id = requested_by_id)
