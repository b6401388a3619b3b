-- law: What was collected of a debt stands in the ledger; a debt is cancelled only with the refund that it belongs to.
-- owner: billing
-- runbook: Wallet and ledger differ
SELECT owed.reference, owed.collected_amount, COALESCE(sum(-entry.amount), 0) AS booked, owed.cancelled_at
FROM receivables AS owed
LEFT JOIN sms_transactions AS entry ON entry.payment_log_id = owed.payment_log_id
    AND entry.service = owed.reference AND entry.counter_account = 'receivable:collected'
GROUP BY owed.id, owed.reference, owed.collected_amount, owed.cancelled_at
HAVING owed.collected_amount IS DISTINCT FROM COALESCE(sum(-entry.amount), 0)
    OR (owed.cancelled_at IS NOT NULL
        AND NOT EXISTS (SELECT 1 FROM refunds WHERE refunds.reference = owed.reference AND refunds.state = 'failed'))
