-- law: A payment whose whole amount goes back gives all of its credits.
-- owner: payments
-- runbook: Refund stuck
SELECT payment.reference, payment.credited_amount, sum(refund.credit_amount) AS refunded
FROM payment_logs AS payment JOIN refunds AS refund ON refund.payment_id = payment.id
WHERE refund.state NOT IN ('failed', 'rejected')
GROUP BY payment.id, payment.reference, payment.credited, payment.credited_amount, payment.credit_amount,
    payment.amount_minor, payment.amount_paid_minor
HAVING sum(refund.amount_minor) BETWEEN CASE
        WHEN payment.credited AND payment.credited_amount = payment.credit_amount THEN payment.amount_minor
        ELSE COALESCE(payment.amount_paid_minor, 0) END
    -- With the fees, if the payer bore them.
    AND GREATEST(payment.amount_paid_minor, payment.amount_minor)
    AND sum(refund.credit_amount) IS DISTINCT FROM COALESCE(payment.credited_amount, 0)
