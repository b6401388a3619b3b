-- law: Refunds never add up to more than what was paid.
-- owner: payments
-- runbook: Refund stuck
SELECT reference, refunds, refundable FROM (
    SELECT payment.reference,
        (SELECT sum(refund.amount_minor) FROM refunds AS refund
            WHERE refund.payment_id = payment.id AND refund.state NOT IN ('failed', 'rejected')) AS refunds,
        -- Fees that the payer bore go back too, if somebody wants that at Paystack.
        GREATEST(
            CASE WHEN payment.credited AND payment.credited_amount = payment.credit_amount THEN payment.amount_minor
                ELSE 0 END,
            payment.amount_paid_minor, 0
        ) AS refundable
    FROM payment_logs AS payment
) AS sums
WHERE refunds > refundable
