-- law: An undecided dispute was asked about within a day once it is two days past due, or that old without a due date.
-- owner: payments
-- scope: everything
-- runbook: Hold without a decision
SELECT gateway_dispute_id AS dispute, state, gateway_status, due_at FROM disputes AS dispute
WHERE state IN ('open', 'review') AND COALESCE(due_at, created_at) < now() - interval '2 days'
    AND NOT EXISTS (
        SELECT FROM gateway_calls AS look
        -- Ids begin with their time in milliseconds, and have an index.
        WHERE look.id >= (lpad(to_hex((extract(epoch FROM now() - interval '1 day') * 1000)::bigint), 12, '0')
                || repeat('0', 20))::uuid
            AND look.operation = 'fetch_dispute' AND look.outcome = 'answered'
            AND look.request = jsonb_build_object('dispute', dispute.gateway_dispute_id)
    )
