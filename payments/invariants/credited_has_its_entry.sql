-- law: A payment is credited exactly if one credit of its amount stands in the ledger for its user.
-- owner: payments
-- runbook: Duplicate payment
SELECT payment.reference, payment.state, payment.credited_amount, entry.amount
FROM payment_logs AS payment
LEFT JOIN sms_transactions AS entry ON entry.payment_log_id = payment.id AND entry.type = 'credit'
WHERE payment.credited IS DISTINCT FROM (entry.id IS NOT NULL)
    OR (entry.id IS NOT NULL AND (entry.amount, entry.user_id)
        IS DISTINCT FROM (payment.credited_amount, payment.user_id))
