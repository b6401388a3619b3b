-- law: No entry is given back beyond what it took, or to another wallet.
-- owner: billing
-- runbook: Wallet and ledger differ
SELECT taken.reference, taken.amount, sum(given.amount) AS given_back
FROM sms_transactions AS given JOIN sms_transactions AS taken ON taken.id = given.reverses_id
GROUP BY taken.id, taken.reference, taken.amount
HAVING sum(given.amount) > -taken.amount OR bool_or(given.wallet_id IS DISTINCT FROM taken.wallet_id)
