"""What may happen to a refund and to a dispute, whoever writes it.

Every refusal has SQLSTATE 23514, which Django raises as IntegrityError.
"""

from django.db import migrations

# For any table whose rows carry a version, a state and the trail of its steps.
TRAIL = """
CREATE FUNCTION namaskah_check_trail(old_state text, new_state text, old_trail jsonb, new_trail jsonb, named text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    entry jsonb := new_trail -> -1;
BEGIN
    IF new_state IS NOT DISTINCT FROM old_state THEN
        IF new_trail IS DISTINCT FROM old_trail THEN
            RAISE EXCEPTION '%: the trail changes with the state only', named USING ERRCODE = '23514';
        END IF;
        RETURN;
    END IF;
    IF jsonb_typeof(new_trail) IS DISTINCT FROM 'array'
        OR jsonb_array_length(new_trail) <> jsonb_array_length(old_trail) + 1
        OR (new_trail - -1) IS DISTINCT FROM old_trail
        OR NOT entry ? 'from'
        OR entry ->> 'from' IS DISTINCT FROM old_state
        OR entry ->> 'to' IS DISTINCT FROM new_state
        OR NOT entry ?& ARRAY['at', 'by', 'source', 'reason', 'event_id', 'request_id']
    THEN
        RAISE EXCEPTION '%: a step adds exactly one entry that tells it to the trail', named USING ERRCODE = '23514';
    END IF;
END $$;
"""

REFUNDS = """
CREATE FUNCTION refunds_check_row() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    refundable bigint;
    standing bigint;
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state NOT IN ('awaiting_approval', 'approved', 'submitted') OR NEW.lock_version IS DISTINCT FROM 0 THEN
            RAISE EXCEPTION 'refund % must be born waiting, approved or submitted, at version 0', NEW.reference
                USING ERRCODE = '23514';
        END IF;
        PERFORM namaskah_check_trail(NULL, NEW.state, '[]'::jsonb, NEW.state_transitions, 'refund ' || NEW.reference);
        -- Two at once wait for each other here, so that neither overlooks the other.
        -- At Paystack's own dashboard fees that the payer bore go back too.
        SELECT GREATEST(
            CASE WHEN credited AND credited_amount = credit_amount THEN amount_minor ELSE 0 END, amount_paid_minor, 0
        ) INTO refundable
        FROM payment_logs WHERE id = NEW.payment_id FOR NO KEY UPDATE;
        SELECT COALESCE(sum(amount_minor), 0) INTO standing
        FROM refunds WHERE payment_id = NEW.payment_id AND state NOT IN ('failed', 'rejected');
        IF standing + NEW.amount_minor > refundable THEN
            RAISE EXCEPTION 'refund %: more than was paid would go back', NEW.reference USING ERRCODE = '23514';
        END IF;
        RETURN NEW;
    END IF;
    IF NEW.lock_version IS DISTINCT FROM OLD.lock_version + 1 THEN
        RAISE EXCEPTION 'refund %: an update must raise lock_version from % by one', OLD.reference, OLD.lock_version
            USING ERRCODE = '23514';
    END IF;
    IF (NEW.id, NEW.payment_id, NEW.reference, NEW.idempotency_key, NEW.amount_minor, NEW.credit_amount, NEW.reason,
        NEW.requested_by_id, NEW.needs_approval, NEW.created_at)
        IS DISTINCT FROM
        (OLD.id, OLD.payment_id, OLD.reference, OLD.idempotency_key, OLD.amount_minor, OLD.credit_amount, OLD.reason,
        OLD.requested_by_id, OLD.needs_approval, OLD.created_at)
        OR (OLD.decided_by_id IS NOT NULL
            AND (NEW.decided_by_id, NEW.decided_at, NEW.decision_comment)
                IS DISTINCT FROM (OLD.decided_by_id, OLD.decided_at, OLD.decision_comment))
        OR (OLD.gateway_refund_id IS NOT NULL AND NEW.gateway_refund_id IS DISTINCT FROM OLD.gateway_refund_id)
        OR (OLD.hold_id IS NOT NULL AND NEW.hold_id IS DISTINCT FROM OLD.hold_id)
        OR (OLD.ledger_entry_id IS NOT NULL AND NEW.ledger_entry_id IS DISTINCT FROM OLD.ledger_entry_id)
        OR (OLD.reversal_id IS NOT NULL AND NEW.reversal_id IS DISTINCT FROM OLD.reversal_id)
    THEN
        RAISE EXCEPTION 'refund %: what was asked for, decided and booked does not change', OLD.reference
            USING ERRCODE = '23514';
    END IF;
    IF NEW.state IS DISTINCT FROM OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('awaiting_approval', 'approved'), ('awaiting_approval', 'rejected'), ('approved', 'submitting'),
        ('approved', 'failed'),
        ('submitting', 'approved'), ('submitting', 'submitted'), ('submitting', 'failed'), ('submitting', 'unknown'),
        ('unknown', 'submitted'), ('unknown', 'failed'),
        ('unknown', 'needs_attention'), ('submitted', 'processed'), ('submitted', 'failed'), ('submitted', 'needs_attention'),
        ('needs_attention', 'submitted'), ('needs_attention', 'processed'),
        ('needs_attention', 'failed')
    ) THEN
        RAISE EXCEPTION 'refund %: there is no step from % to %', OLD.reference, OLD.state, NEW.state
            USING ERRCODE = '23514';
    END IF;
    PERFORM namaskah_check_trail(
        OLD.state, NEW.state, OLD.state_transitions, NEW.state_transitions, 'refund ' || OLD.reference
    );
    RETURN NEW;
END $$;
CREATE TRIGGER refunds_by_rule BEFORE INSERT OR UPDATE ON refunds
    FOR EACH ROW EXECUTE FUNCTION refunds_check_row();
"""

UNDO_REFUNDS = """
DROP TRIGGER refunds_by_rule ON refunds;
DROP FUNCTION refunds_check_row();
"""

DISPUTES = """
CREATE FUNCTION disputes_check_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state IS DISTINCT FROM 'open' OR NEW.lock_version IS DISTINCT FROM 0 THEN
            RAISE EXCEPTION 'dispute % must be born open, at version 0', NEW.gateway_dispute_id
                USING ERRCODE = '23514';
        END IF;
        PERFORM namaskah_check_trail(
            NULL, NEW.state, '[]'::jsonb, NEW.state_transitions, 'dispute ' || NEW.gateway_dispute_id
        );
        RETURN NEW;
    END IF;
    IF NEW.lock_version IS DISTINCT FROM OLD.lock_version + 1
        OR (NEW.id, NEW.gateway_dispute_id, NEW.payment_id, NEW.category, NEW.amount_minor, NEW.credit_amount,
            NEW.created_at)
        IS DISTINCT FROM
        (OLD.id, OLD.gateway_dispute_id, OLD.payment_id, OLD.category, OLD.amount_minor, OLD.credit_amount,
            OLD.created_at)
        OR (OLD.hold_id IS NOT NULL AND NEW.hold_id IS DISTINCT FROM OLD.hold_id)
        OR (OLD.ledger_entry_id IS NOT NULL AND NEW.ledger_entry_id IS DISTINCT FROM OLD.ledger_entry_id)
    THEN
        RAISE EXCEPTION 'dispute %: what is disputed and booked does not change', OLD.gateway_dispute_id
            USING ERRCODE = '23514';
    END IF;
    IF NEW.state IS DISTINCT FROM OLD.state AND (OLD.state, NEW.state) NOT IN (
        ('open', 'lost'), ('open', 'won'), ('open', 'review'), ('review', 'lost'), ('review', 'won')
    ) THEN
        RAISE EXCEPTION 'dispute %: there is no step from % to %', OLD.gateway_dispute_id, OLD.state, NEW.state
            USING ERRCODE = '23514';
    END IF;
    PERFORM namaskah_check_trail(
        OLD.state, NEW.state, OLD.state_transitions, NEW.state_transitions, 'dispute ' || OLD.gateway_dispute_id
    );
    RETURN NEW;
END $$;
CREATE TRIGGER disputes_by_rule BEFORE INSERT OR UPDATE ON disputes
    FOR EACH ROW EXECUTE FUNCTION disputes_check_row();
"""

UNDO_DISPUTES = """
DROP TRIGGER disputes_by_rule ON disputes;
DROP FUNCTION disputes_check_row();
"""

UNDELETED = """
CREATE TRIGGER {table}_undeleted BEFORE DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION namaskah_refuse_change();
CREATE TRIGGER {table}_untruncated BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION namaskah_refuse_change();
"""

UNDO_UNDELETED = """
DROP TRIGGER {table}_undeleted ON {table};
DROP TRIGGER {table}_untruncated ON {table};
"""


def keep_rows(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(UNDELETED.format(table=table), UNDO_UNDELETED.format(table=table))


class Migration(migrations.Migration):
    dependencies = [("payments", "0003_refunds_and_disputes"), ("billing", "0004_hold_rules")]

    operations = [
        migrations.RunSQL(TRAIL, "DROP FUNCTION namaskah_check_trail(text, text, jsonb, jsonb, text);"),
        migrations.RunSQL(REFUNDS, UNDO_REFUNDS),
        migrations.RunSQL(DISPUTES, UNDO_DISPUTES),
        keep_rows("refunds"),
        keep_rows("disputes"),
    ]
