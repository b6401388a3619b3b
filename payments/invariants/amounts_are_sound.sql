-- law: Every amount is a number of its sign, and every currency three letters.
-- owner: billing
-- runbook: Wallet and ledger differ
SELECT kind, id FROM (
    SELECT 'payment' AS kind, id, amount_usd > 0 AND amount_usd < 'NaN' AND amount_minor > 0 AND exchange_rate > 0
        AND exchange_rate < 'NaN' AND credit_amount > 0 AND credit_amount < 'NaN' AND currency ~ '^[A-Z]{3}$'
        AND COALESCE(gateway_fee_minor, 0) >= 0 AND COALESCE(amount_paid_minor, 1) > 0
        AND amount_refunded_minor >= 0 AS is_sound FROM payment_logs
    UNION ALL SELECT 'refund', id, amount_minor > 0 AND credit_amount >= 0 AND credit_amount < 'NaN' FROM refunds
    UNION ALL SELECT 'dispute', id, amount_minor > 0 AND credit_amount >= 0 AND credit_amount < 'NaN' FROM disputes
    UNION ALL SELECT 'hold', id, amount > 0 AND amount < 'NaN' FROM holds
    UNION ALL SELECT 'receivable', id, amount > 0 AND amount < 'NaN' FROM receivables
    UNION ALL SELECT 'exchange rate', id, units_per_usd > 0 AND units_per_usd < 'NaN' FROM exchange_rates
    UNION ALL SELECT 'ledger entry', id, amount < 'NaN' AND balance_after < 'NaN' AND CASE
        WHEN type IN ('credit', 'reversal') THEN amount > 0
        WHEN type IN ('debit', 'refund') THEN amount < 0
        ELSE type = 'adjustment' AND amount <> 0 END FROM sms_transactions
) AS amounts
WHERE is_sound IS NOT TRUE
