-- law: A refund that the gateway may have has taken its credits, or the user owes them; one that failed has given them back.
-- owner: payments
-- runbook: Refund stuck
SELECT refund.reference, refund.state, refund.credit_amount, entry.amount AS taken, owed.amount AS owed
FROM refunds AS refund
LEFT JOIN sms_transactions AS entry ON entry.id = refund.ledger_entry_id
LEFT JOIN receivables AS owed ON owed.reference = refund.reference AND owed.cancelled_at IS NULL
LEFT JOIN sms_transactions AS reversal ON reversal.id = refund.reversal_id
WHERE (refund.state NOT IN ('awaiting_approval', 'rejected', 'failed')
        AND refund.credit_amount IS DISTINCT FROM COALESCE(-entry.amount, 0) + COALESCE(owed.amount, 0))
    OR (refund.state = 'failed'
        AND (COALESCE(entry.amount, 0) + COALESCE(reversal.amount, 0) <> 0 OR owed.id IS NOT NULL))
    OR (refund.state IN ('awaiting_approval', 'rejected') AND entry.id IS NOT NULL)
