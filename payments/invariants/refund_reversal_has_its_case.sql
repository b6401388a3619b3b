-- law: Credits that a refund or a dispute took come back only with a refund that failed.
-- owner: payments
-- runbook: Refund stuck
SELECT given.reference, given.amount, taken.reference AS refund, count(refund.id) AS cases
FROM sms_transactions AS given
JOIN sms_transactions AS taken ON taken.id = given.reverses_id AND taken.type = 'refund'
LEFT JOIN refunds AS refund
    ON refund.reversal_id = given.id AND refund.ledger_entry_id = taken.id AND refund.state = 'failed'
WHERE given.type = 'reversal'
GROUP BY given.id, given.reference, given.amount, taken.reference HAVING count(refund.id) = 0
