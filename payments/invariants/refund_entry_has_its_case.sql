-- law: Every refund entry of the ledger belongs to one refund or one lost dispute of its payment.
-- owner: billing
-- runbook: Wallet and ledger differ
SELECT entry.reference, entry.amount, count(booked.payment_id) AS cases FROM sms_transactions AS entry
LEFT JOIN (
    SELECT ledger_entry_id, payment_id FROM refunds UNION ALL SELECT ledger_entry_id, payment_id FROM disputes
) AS booked ON booked.ledger_entry_id = entry.id AND booked.payment_id = entry.payment_log_id
WHERE entry.type = 'refund'
GROUP BY entry.id, entry.reference, entry.amount HAVING count(booked.payment_id) <> 1
