-- law: References have their form and are given once.
-- owner: payments
-- runbook: Duplicate payment
SELECT kind, reference, count(*) AS rows FROM (
    SELECT 'payment' AS kind, reference, '^nmk-[0-9a-z]{36}$' AS form FROM payment_logs
    UNION ALL SELECT 'refund', reference, '^rfd-[0-9a-z]{36}$' FROM refunds
    UNION ALL SELECT 'hold', reference, '^rfd-([0-9a-z]{36}|dispute-[0-9]+)$' FROM holds
    UNION ALL SELECT 'ledger entry', reference, '^[A-Za-z0-9._-]{1,64}$' FROM sms_transactions
) AS named
GROUP BY kind, reference, form HAVING count(*) > 1 OR reference !~ form
