-- law: Every step of a payment, a refund and a dispute is one that exists.
-- owner: payments
-- runbook: Payment stuck
SELECT kind, reference, step ->> 'from' AS came_from, step ->> 'to' AS went_to
FROM (
    SELECT 'payment' AS kind, reference, state_transitions FROM payment_logs
    UNION ALL SELECT 'refund', reference, state_transitions FROM refunds
    UNION ALL SELECT 'dispute', gateway_dispute_id::text, state_transitions FROM disputes
) AS told, jsonb_path_query(state_transitions, '$[*]') AS step
WHERE (kind, COALESCE(step ->> 'from', ''), COALESCE(step ->> 'to', '')) NOT IN (
    ('payment', '', 'pending'), ('payment', 'pending', 'processing'), ('payment', 'pending', 'completed'),
    ('payment', 'pending', 'failed'), ('payment', 'processing', 'completed'), ('payment', 'processing', 'failed'),
    ('payment', 'failed', 'completed'), ('payment', 'completed', 'refunded'), ('payment', 'processing', 'refunded'),
    ('payment', 'failed', 'refunded'),
    ('refund', '', 'awaiting_approval'), ('refund', '', 'approved'), ('refund', '', 'submitted'),
    ('refund', 'awaiting_approval', 'approved'), ('refund', 'awaiting_approval', 'rejected'),
    ('refund', 'approved', 'submitting'), ('refund', 'approved', 'failed'), ('refund', 'submitting', 'approved'),
    ('refund', 'submitting', 'submitted'), ('refund', 'submitting', 'failed'), ('refund', 'submitting', 'unknown'),
    ('refund', 'unknown', 'submitted'), ('refund', 'unknown', 'failed'), ('refund', 'unknown', 'needs_attention'),
    ('refund', 'submitted', 'processed'), ('refund', 'submitted', 'failed'), ('refund', 'submitted', 'needs_attention'),
    ('refund', 'needs_attention', 'submitted'), ('refund', 'needs_attention', 'processed'),
    ('refund', 'needs_attention', 'failed'),
    ('dispute', '', 'open'), ('dispute', 'open', 'lost'), ('dispute', 'open', 'won'), ('dispute', 'open', 'review'),
    ('dispute', 'review', 'lost'), ('dispute', 'review', 'won')
)
