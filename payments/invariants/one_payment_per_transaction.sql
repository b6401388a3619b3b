-- law: A transaction of the gateway pays for one payment.
-- owner: payments
-- runbook: Duplicate payment
SELECT gateway_transaction_id, count(*) AS payments FROM payment_logs
WHERE gateway_transaction_id IS NOT NULL GROUP BY gateway_transaction_id HAVING count(*) > 1
