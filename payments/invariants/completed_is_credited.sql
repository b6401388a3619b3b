-- law: Completed payments are credited; only completed and refunded ones are.
-- owner: payments
-- runbook: Payment stuck
SELECT reference, state, credited FROM payment_logs
WHERE (state = 'completed' AND NOT credited) OR (credited AND state NOT IN ('completed', 'refunded'))
