-- law: No rule of the database is switched off, half built or taken away where rows must stay.
-- owner: namaskah
-- scope: everything
-- runbook: Database restored
WITH kept (relation, operations) AS (
    -- Bits of pg_trigger.tgtype: 8 DELETE, 16 UPDATE, 32 TRUNCATE.
    VALUES ('sms_transactions', ARRAY[8, 16, 32]), ('exchange_rates', ARRAY[8, 16, 32]),
        ('webhook_attempts', ARRAY[8, 16, 32]), ('payment_logs', ARRAY[8, 16, 32]), ('wallets', ARRAY[8, 16, 32]),
        ('refunds', ARRAY[8, 16, 32]), ('disputes', ARRAY[8, 16, 32]), ('holds', ARRAY[8, 16, 32]),
        ('receivables', ARRAY[8, 16, 32]), ('credit_adjustments', ARRAY[8, 16, 32]),
        ('review_decisions', ARRAY[8, 16, 32]), ('gateway_calls', ARRAY[8, 16, 32]), ('webhook_events', ARRAY[8, 16, 32]),
        ('audit_log', ARRAY[8, 16, 32]), ('notes', ARRAY[8, 16, 32])
)
SELECT 'disabled' AS fault, tgname::text AS rule, tgrelid::regclass::text AS relation
FROM pg_trigger WHERE tgenabled NOT IN ('O', 'A') AND tgrelid::regclass::text IN (SELECT relation FROM kept)
UNION ALL
SELECT 'not validated', conname::text, conrelid::regclass::text
FROM pg_constraint WHERE NOT convalidated AND connamespace = current_schema::regnamespace
UNION ALL
SELECT 'half built', indexrelid::regclass::text, indrelid::regclass::text
FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid
WHERE NOT (indisvalid AND indisready) AND relnamespace = current_schema::regnamespace
UNION ALL
SELECT 'missing', 'refusal of ' || CASE operation WHEN 8 THEN 'DELETE' WHEN 16 THEN 'UPDATE' ELSE 'TRUNCATE' END, relation
FROM kept CROSS JOIN unnest(operations) AS operation
WHERE NOT EXISTS (
    SELECT 1 FROM pg_trigger WHERE tgrelid = relation::regclass AND NOT tgisinternal AND tgtype & operation <> 0
)
