"""What may happen to a payment, whoever writes it, and how payments and ledger hold each other.

Every refusal has SQLSTATE 23514, which Django raises as IntegrityError.
"""

from django.db import migrations

BIRTH = """
CREATE FUNCTION payment_logs_check_birth() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.state IS DISTINCT FROM 'pending' OR NEW.credited IS DISTINCT FROM false
        OR NEW.lock_version IS DISTINCT FROM 0 OR NEW.amount_refunded_minor IS DISTINCT FROM 0
    THEN
        RAISE EXCEPTION 'payment % must be born pending, uncredited and at version 0', NEW.reference
            USING ERRCODE = '23514';
    END IF;
    IF jsonb_typeof(NEW.state_transitions) IS DISTINCT FROM 'array'
        OR jsonb_array_length(NEW.state_transitions) <> 1
        OR NOT NEW.state_transitions -> 0 ? 'from'
        OR NEW.state_transitions -> 0 -> 'from' IS DISTINCT FROM 'null'::jsonb
        OR NEW.state_transitions -> 0 ->> 'to' IS DISTINCT FROM 'pending'
        OR NOT NEW.state_transitions -> 0 ?& ARRAY['at', 'by', 'source', 'reason', 'event_id', 'request_id']
    THEN
        RAISE EXCEPTION 'payment % must be born with one entry in its trail, from null to pending', NEW.reference
            USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payment_logs_born_pending BEFORE INSERT ON payment_logs
    FOR EACH ROW EXECUTE FUNCTION payment_logs_check_birth();
"""

UNDO_BIRTH = """
DROP TRIGGER payment_logs_born_pending ON payment_logs;
DROP FUNCTION payment_logs_check_birth();
"""

CHANGE = """
CREATE FUNCTION payment_logs_check_change() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    entry jsonb;
BEGIN
    IF NEW.lock_version IS DISTINCT FROM OLD.lock_version + 1 THEN
        RAISE EXCEPTION 'payment %: an update must raise lock_version from % by one', OLD.reference, OLD.lock_version
            USING ERRCODE = '23514';
    END IF;
    IF (NEW.id, NEW.user_id, NEW.email, NEW.reference, NEW.idempotency_key, NEW.attempt, NEW.amount_usd, NEW.currency,
        NEW.amount_minor, NEW.exchange_rate, NEW.credit_amount, NEW.gateway, NEW.created_at)
        IS DISTINCT FROM
        (OLD.id, OLD.user_id, OLD.email, OLD.reference, OLD.idempotency_key, OLD.attempt, OLD.amount_usd, OLD.currency,
        OLD.amount_minor, OLD.exchange_rate, OLD.credit_amount, OLD.gateway, OLD.created_at)
    THEN
        RAISE EXCEPTION 'payment %: what was agreed at its birth does not change', OLD.reference
            USING ERRCODE = '23514';
    END IF;
    IF OLD.credited AND (NEW.credited, NEW.credited_amount, NEW.gateway_transaction_id, NEW.amount_paid_minor)
        IS DISTINCT FROM (true, OLD.credited_amount, OLD.gateway_transaction_id, OLD.amount_paid_minor)
    THEN
        RAISE EXCEPTION 'payment %: a credit and its evidence do not change', OLD.reference USING ERRCODE = '23514';
    END IF;
    IF OLD.superseded_by_id IS NOT NULL AND NEW.superseded_by_id IS DISTINCT FROM OLD.superseded_by_id THEN
        RAISE EXCEPTION 'payment %: what superseded it does not change', OLD.reference USING ERRCODE = '23514';
    END IF;
    IF NEW.amount_refunded_minor IS DISTINCT FROM OLD.amount_refunded_minor
        AND COALESCE(NEW.amount_refunded_minor, -1) < OLD.amount_refunded_minor
    THEN
        RAISE EXCEPTION 'payment %: what was refunded does not shrink', OLD.reference USING ERRCODE = '23514';
    END IF;
    IF NEW.credited AND NOT OLD.credited AND NOT EXISTS (
        SELECT 1 FROM sms_transactions AS credit
        WHERE credit.payment_log_id = NEW.id AND credit.type = 'credit'
            AND credit.user_id = NEW.user_id AND credit.amount = NEW.credited_amount
    ) THEN
        RAISE EXCEPTION 'payment %: credited without its ledger entry', OLD.reference USING ERRCODE = '23514';
    END IF;

    IF NEW.state IS NOT DISTINCT FROM OLD.state THEN
        IF NEW.state_transitions IS DISTINCT FROM OLD.state_transitions THEN
            RAISE EXCEPTION 'payment %: the trail changes with the state only', OLD.reference USING ERRCODE = '23514';
        END IF;
        RETURN NEW;
    END IF;

    IF (OLD.state, NEW.state) NOT IN (
        ('pending', 'processing'), ('pending', 'completed'), ('pending', 'failed'),
        ('processing', 'completed'), ('processing', 'failed'), ('failed', 'completed'),
        ('completed', 'refunded'), ('processing', 'refunded'), ('failed', 'refunded')
    ) THEN
        RAISE EXCEPTION 'payment %: there is no step from % to %', OLD.reference, OLD.state, NEW.state
            USING ERRCODE = '23514';
    END IF;
    IF OLD.state IN ('processing', 'failed') AND NEW.state = 'refunded' AND NEW.credited THEN
        RAISE EXCEPTION 'payment %: only money that was never credited goes back from %', OLD.reference, OLD.state
            USING ERRCODE = '23514';
    END IF;

    entry := NEW.state_transitions -> -1;
    IF jsonb_typeof(NEW.state_transitions) IS DISTINCT FROM 'array'
        OR jsonb_array_length(NEW.state_transitions) <> jsonb_array_length(OLD.state_transitions) + 1
        OR (NEW.state_transitions - -1) IS DISTINCT FROM OLD.state_transitions
        OR entry ->> 'from' IS DISTINCT FROM OLD.state
        OR entry ->> 'to' IS DISTINCT FROM NEW.state
        OR NOT entry ?& ARRAY['at', 'by', 'source', 'reason', 'event_id', 'request_id']
    THEN
        RAISE EXCEPTION 'payment %: a step adds exactly one entry that tells it to the trail', OLD.reference
            USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER payment_logs_change_by_rule BEFORE UPDATE ON payment_logs
    FOR EACH ROW EXECUTE FUNCTION payment_logs_check_change();
"""

UNDO_CHANGE = """
DROP TRIGGER payment_logs_change_by_rule ON payment_logs;
DROP FUNCTION payment_logs_check_change();
"""

# Deferred to the end of the database transaction, when ledger, wallets and payments are all written.
SETTLED = """
CREATE FUNCTION sms_transactions_check_settled() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
BEGIN
    IF NOT EXISTS (
        SELECT 1 FROM wallets AS wallet
        WHERE wallet.id = NEW.wallet_id AND wallet.user_id = NEW.user_id AND wallet.sequence >= NEW.sequence
    ) THEN
        RAISE EXCEPTION 'ledger entry %: its wallet was not moved, or is another user''s', NEW.reference
            USING ERRCODE = '23514';
    END IF;
    IF NEW.payment_log_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM payment_logs AS payment WHERE payment.id = NEW.payment_log_id AND payment.user_id = NEW.user_id
    ) THEN
        RAISE EXCEPTION 'ledger entry %: its payment is another user''s', NEW.reference USING ERRCODE = '23514';
    END IF;
    IF NEW.type = 'credit' AND NOT EXISTS (
        SELECT 1 FROM payment_logs AS payment
        WHERE payment.id = NEW.payment_log_id AND payment.credited AND payment.credited_amount = NEW.amount
    ) THEN
        RAISE EXCEPTION 'ledger entry %: its payment is not credited with this amount', NEW.reference
            USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER sms_transactions_settled AFTER INSERT ON sms_transactions
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION sms_transactions_check_settled();
"""

UNDO_SETTLED = """
DROP TRIGGER sms_transactions_settled ON sms_transactions;
DROP FUNCTION sms_transactions_check_settled();
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

UNCHANGING = """
CREATE TRIGGER webhook_attempts_unchanging BEFORE UPDATE ON webhook_attempts
    FOR EACH ROW EXECUTE FUNCTION namaskah_refuse_change();
CREATE TRIGGER webhook_events_keep_body
    BEFORE UPDATE OF id, provider, event_type, object_id, reference, body, body_sha256, received_at, created_at
    ON webhook_events FOR EACH ROW EXECUTE FUNCTION namaskah_refuse_change();
CREATE TRIGGER gateway_calls_complete_once BEFORE UPDATE ON gateway_calls
    FOR EACH ROW WHEN (
        OLD.finished_at IS NOT NULL
        OR (OLD.id, OLD.payment_id, OLD.operation, OLD.reference, OLD.request, OLD.started_at, OLD.request_id)
            IS DISTINCT FROM
            (NEW.id, NEW.payment_id, NEW.operation, NEW.reference, NEW.request, NEW.started_at, NEW.request_id)
    ) EXECUTE FUNCTION namaskah_refuse_change();
"""

UNDO_UNCHANGING = """
DROP TRIGGER webhook_attempts_unchanging ON webhook_attempts;
DROP TRIGGER webhook_events_keep_body ON webhook_events;
DROP TRIGGER gateway_calls_complete_once ON gateway_calls;
"""


def keep_rows(table: str) -> migrations.RunSQL:
    return migrations.RunSQL(UNDELETED.format(table=table), UNDO_UNDELETED.format(table=table))


class Migration(migrations.Migration):
    dependencies = [("payments", "0001_initial"), ("billing", "0002_rules")]

    operations = [
        migrations.RunSQL(BIRTH, UNDO_BIRTH),
        migrations.RunSQL(CHANGE, UNDO_CHANGE),
        migrations.RunSQL(SETTLED, UNDO_SETTLED),
        keep_rows("payment_logs"),
        keep_rows("gateway_calls"),
        keep_rows("webhook_events"),
        keep_rows("webhook_attempts"),
        migrations.RunSQL(UNCHANGING, UNDO_UNCHANGING),
    ]
