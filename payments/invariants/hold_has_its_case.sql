-- law: An open hold belongs to a refund that waits for approval or to an undecided dispute, of its wallet's own user.
-- owner: billing
-- runbook: Hold without a decision
SELECT hold.reference, hold.reason, hold.state, hold.amount, undecided.amount AS asked FROM holds AS hold
FULL JOIN (
    SELECT refund.hold_id, payment.user_id, refund.credit_amount AS amount
    FROM refunds AS refund JOIN payment_logs AS payment ON payment.id = refund.payment_id
    WHERE refund.state = 'awaiting_approval' AND refund.credit_amount > 0
    UNION ALL
    -- A dispute holds what is there.
    SELECT dispute.hold_id, payment.user_id, LEAST(dispute.credit_amount, hold.amount)
    FROM disputes AS dispute JOIN payment_logs AS payment ON payment.id = dispute.payment_id
    JOIN holds AS hold ON hold.id = dispute.hold_id
    WHERE dispute.state IN ('open', 'review')
) AS undecided ON undecided.hold_id = hold.id
LEFT JOIN wallets AS wallet ON wallet.id = hold.wallet_id
WHERE (hold.state = 'held' OR undecided.amount IS NOT NULL)
    AND (hold.state, hold.amount, wallet.user_id) IS DISTINCT FROM ('held', undecided.amount, undecided.user_id)
