-- law: A payment is credited once at most.
-- owner: payments
-- runbook: Duplicate payment
SELECT payment_log_id AS payment, count(*) AS credits FROM sms_transactions
WHERE type = 'credit' GROUP BY payment_log_id HAVING count(*) > 1 OR payment_log_id IS NULL
