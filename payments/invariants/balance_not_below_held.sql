-- law: No wallet holds more than it has, and none has, or ever had, less than nothing.
-- owner: billing
-- runbook: Wallet and ledger differ
SELECT id AS wallet, user_id, balance, held FROM wallets
WHERE NOT (balance >= 0 AND held >= 0 AND held <= balance) OR balance = 'NaN' OR held = 'NaN'
UNION ALL
SELECT wallet_id, user_id, balance_after, NULL FROM sms_transactions WHERE balance_after < 0
