-- law: What a user owes belongs to a refund or a lost dispute of that user's own payment.
-- owner: billing
-- runbook: Refund stuck
SELECT owed.reference, owed.reason, owed.user_id, owed.amount FROM receivables AS owed
JOIN payment_logs AS payment ON payment.id = owed.payment_log_id
WHERE owed.user_id IS DISTINCT FROM payment.user_id
    OR NOT EXISTS (
        SELECT 1 FROM refunds AS refund
        WHERE owed.reason = 'refunded_elsewhere' AND refund.reference = owed.reference
            AND refund.payment_id = payment.id
        UNION ALL
        SELECT 1 FROM disputes AS dispute
        WHERE owed.reason = 'dispute_lost' AND 'rfd-dispute-' || dispute.gateway_dispute_id = owed.reference
            AND dispute.payment_id = payment.id
    )
