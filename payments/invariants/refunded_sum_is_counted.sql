-- law: What a payment says was refunded is what its processed refunds add up to.
-- owner: payments
-- runbook: Refund stuck
SELECT payment.reference, payment.amount_refunded_minor, COALESCE(sum(refund.amount_minor), 0) AS processed
FROM payment_logs AS payment
LEFT JOIN refunds AS refund ON refund.payment_id = payment.id AND refund.state = 'processed'
GROUP BY payment.id, payment.reference, payment.amount_refunded_minor HAVING payment.amount_refunded_minor IS DISTINCT FROM COALESCE(sum(refund.amount_minor), 0)
