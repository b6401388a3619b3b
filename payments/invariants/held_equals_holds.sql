-- law: What a wallet holds is the sum of its open holds.
-- owner: billing
-- runbook: Hold without a decision
SELECT wallet.id AS wallet, wallet.user_id, wallet.held, COALESCE(sum(hold.amount), 0) AS holds
FROM wallets AS wallet LEFT JOIN holds AS hold ON hold.wallet_id = wallet.id AND hold.state = 'held'
GROUP BY wallet.id, wallet.user_id, wallet.held HAVING wallet.held IS DISTINCT FROM COALESCE(sum(hold.amount), 0)
