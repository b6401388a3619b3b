-- law: No more is credited than what was paid is worth at the payment's rate.
-- owner: payments
-- runbook: Duplicate payment
SELECT reference, credited_amount, credit_amount, amount_paid_minor, amount_minor FROM payment_logs
-- What was asked for was rounded to a whole subunit, so that much may be missing.
WHERE credited AND credited_amount * (amount_minor - 1) > credit_amount * COALESCE(amount_paid_minor, 0)
