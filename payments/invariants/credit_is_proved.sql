-- law: Behind every credit stands the gateway's own word: a success that it announced or answered, with the same number.
-- owner: payments
-- runbook: Duplicate payment
SELECT payment.reference, payment.gateway_transaction_id, payment.credited_amount FROM payment_logs AS payment
WHERE payment.credited
    AND NOT EXISTS (
        SELECT 1 FROM webhook_events AS event
        WHERE event.reference = payment.reference AND event.event_type = 'charge.success'
            AND event.status <> 'quarantined' AND event.object_id = payment.gateway_transaction_id
    )
    AND NOT EXISTS (
        SELECT 1 FROM gateway_calls AS call
        WHERE call.reference = payment.reference AND call.outcome = 'answered'
            AND call.answer #>> '{data,reference}' = payment.reference
            AND call.answer #>> '{data,id}' = payment.gateway_transaction_id::text
            AND call.answer #>> '{data,status}' IN ('success', 'reversed', 'reversal-pending')
    )
