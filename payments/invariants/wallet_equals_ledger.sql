-- law: A wallet's balance is the sum of its ledger entries, and its sequence their number.
-- owner: billing
-- runbook: Wallet and ledger differ
SELECT wallet.id AS wallet, wallet.user_id, wallet.balance, COALESCE(sum(entry.amount), 0) AS ledger, wallet.sequence,
    count(entry.id) AS entries
FROM wallets AS wallet LEFT JOIN sms_transactions AS entry ON entry.wallet_id = wallet.id
GROUP BY wallet.id, wallet.user_id, wallet.balance, wallet.sequence
HAVING (wallet.balance, wallet.sequence) IS DISTINCT FROM (COALESCE(sum(entry.amount), 0), count(entry.id))
