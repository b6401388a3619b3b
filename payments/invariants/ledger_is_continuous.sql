-- law: Entries of a wallet are numbered from one without a gap, each balance is the one before plus the amount.
-- owner: billing
-- runbook: Wallet and ledger differ
SELECT wallet_id AS wallet, reference, sequence, amount, balance_after FROM (
    SELECT *, lag(sequence, 1, 0::bigint) OVER chain AS sequence_before,
        lag(balance_after, 1, 0::numeric) OVER chain AS balance_before
    FROM sms_transactions WINDOW chain AS (PARTITION BY wallet_id ORDER BY sequence)
) AS entry
WHERE sequence IS DISTINCT FROM sequence_before + 1 OR balance_after IS DISTINCT FROM balance_before + amount
