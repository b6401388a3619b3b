-- law: A lost dispute has taken credits, or the user owes them, up to what was credited; any other has taken nothing.
-- owner: payments
-- runbook: Hold without a decision
SELECT dispute.gateway_dispute_id AS dispute, dispute.state, dispute.credit_amount, taken.amount AS taken,
    owed.amount AS owed
FROM disputes AS dispute
LEFT JOIN LATERAL (
    SELECT -sum(entry.amount) AS amount FROM sms_transactions AS entry
    WHERE dispute.ledger_entry_id IN (entry.id, entry.reverses_id)
) AS taken ON true
LEFT JOIN receivables AS owed
    ON owed.reference = 'rfd-dispute-' || dispute.gateway_dispute_id AND owed.cancelled_at IS NULL
JOIN payment_logs AS payment ON payment.id = dispute.payment_id
LEFT JOIN LATERAL (
    SELECT -sum(entry.amount) AS amount FROM sms_transactions AS entry
    WHERE entry.payment_log_id = payment.id AND entry.type <> 'credit' AND entry.type IN ('refund', 'reversal')
) AS before ON true
LEFT JOIN LATERAL (
    SELECT sum(debt.amount) AS amount FROM receivables AS debt
    WHERE debt.payment_log_id = payment.id AND debt.cancelled_at IS NULL
) AS debts ON true
WHERE (dispute.state <> 'lost' AND (dispute.ledger_entry_id IS NOT NULL OR owed.id IS NOT NULL))
    -- A refund or another dispute may have taken all credits of the payment before.
    OR (dispute.state = 'lost' AND dispute.credit_amount > 0 AND taken.amount IS NULL AND owed.id IS NULL
        AND payment.credited_amount > COALESCE(before.amount, 0) + COALESCE(debts.amount, 0))
    -- The bank may give more than what it claimed at first.
    OR COALESCE(taken.amount, 0) + COALESCE(owed.amount, 0) > GREATEST(dispute.credit_amount, payment.credited_amount)
