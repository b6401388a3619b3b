-- law: An entry's user is the owner of its wallet, and of its payment.
-- owner: billing
-- runbook: Wallet and ledger differ
SELECT entry.reference, entry.user_id, wallet.user_id AS wallet_user, payment.user_id AS payment_user
FROM sms_transactions AS entry
JOIN wallets AS wallet ON wallet.id = entry.wallet_id
LEFT JOIN payment_logs AS payment ON payment.id = entry.payment_log_id
WHERE entry.user_id IS DISTINCT FROM wallet.user_id
    OR (payment.id IS NOT NULL AND payment.user_id IS DISTINCT FROM entry.user_id)
