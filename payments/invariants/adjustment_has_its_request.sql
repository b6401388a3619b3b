-- law: Every adjustment of the ledger was asked for, with a reason and a ticket, as it stands; above the threshold by two.
-- owner: billing
-- runbook: Wallet and ledger differ
SELECT COALESCE(asked.reference, entry.reference) AS reference, asked.state, asked.amount AS asked, entry.amount AS posted
FROM credit_adjustments AS asked
FULL JOIN (SELECT * FROM sms_transactions WHERE type = 'adjustment') AS entry ON entry.id = asked.ledger_entry_id
WHERE (entry.id IS NOT NULL AND (asked.reference, asked.user_id, asked.amount)
        IS DISTINCT FROM (entry.reference, entry.user_id, entry.amount))
    OR (asked.state = 'posted') IS DISTINCT FROM (entry.id IS NOT NULL)
    OR asked.note = '' OR asked.ticket = '' OR asked.requested_by_id = asked.user_id
    OR (asked.needs_approval AND asked.state <> 'awaiting_approval' AND asked.decided_by_id IS NULL)
    OR asked.decided_by_id IN (asked.requested_by_id, asked.user_id)
