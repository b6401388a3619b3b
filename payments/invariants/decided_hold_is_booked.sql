-- law: A hold that was taken has its ledger entry, and no other hold has one; a refund's takes what was held.
-- owner: billing
-- runbook: Hold without a decision
SELECT hold.reference, hold.state, hold.amount, entry.amount AS booked FROM holds AS hold
LEFT JOIN sms_transactions AS entry
    ON entry.reference = hold.reference AND entry.wallet_id = hold.wallet_id AND entry.type = 'refund'
-- A dispute may be lost in part, and may take with it what a refund gives back that was not sent.
WHERE (hold.state = 'taken' AND hold.reason <> 'dispute' AND entry.amount IS DISTINCT FROM -hold.amount)
    OR (hold.state = 'taken' AND entry.id IS NULL)
    OR (hold.state <> 'taken' AND entry.id IS NOT NULL)
