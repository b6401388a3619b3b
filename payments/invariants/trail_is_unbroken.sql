-- law: The trail of a payment, a refund and a dispute is one chain from nothing to its state.
-- owner: payments
-- runbook: Payment stuck
SELECT kind, reference, state FROM (
    SELECT 'payment' AS kind, reference, state, state_transitions AS trail FROM payment_logs
    UNION ALL SELECT 'refund', reference, state, state_transitions FROM refunds
    UNION ALL SELECT 'dispute', gateway_dispute_id::text, state, state_transitions FROM disputes
) AS told
WHERE jsonb_typeof(trail) IS DISTINCT FROM 'array'
    OR trail -> -1 ->> 'to' IS DISTINCT FROM state
    OR trail -> 0 ->> 'from' IS NOT NULL
    OR EXISTS (
        SELECT 1 FROM (
            SELECT entry ->> 'from' AS came_from, lag(entry ->> 'to') OVER (ORDER BY number) AS was, number
            FROM jsonb_path_query(trail, '$[*]') WITH ORDINALITY AS step (entry, number)
        ) AS step
        WHERE number > 1 AND came_from IS DISTINCT FROM was
    )
