-- law: A payment is refunded exactly when its whole amount went back.
-- owner: payments
-- runbook: Refund stuck
SELECT reference, state, amount_refunded_minor, amount_minor, amount_paid_minor FROM payment_logs
-- A pending payment has no such step: money of it that never was credited may go back and leave it as it is.
WHERE state <> 'pending' AND (state = 'refunded') IS DISTINCT FROM (
    amount_refunded_minor > 0 AND amount_refunded_minor >= CASE
        WHEN credited AND credited_amount = credit_amount THEN amount_minor
        ELSE COALESCE(amount_paid_minor, 0) END
)
