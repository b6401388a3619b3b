"""An adjustment is decided once, by another person than the one who asked, and its ledger entry is what was asked for.

Every refusal has SQLSTATE 23514, which Django raises as IntegrityError.
"""

from django.db import migrations

BIRTH_AND_CHANGE = """
CREATE FUNCTION credit_adjustments_check_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state = 'rejected' OR NEW.decided_by_id IS NOT NULL THEN
            RAISE EXCEPTION 'adjustment % must be born undecided', NEW.reference USING ERRCODE = '23514';
        END IF;
    ELSIF OLD.state IS DISTINCT FROM 'awaiting_approval' OR NEW.state IS NOT DISTINCT FROM OLD.state
        OR NEW.decided_by_id IS NULL
        OR (NEW.id, NEW.user_id, NEW.reference, NEW.idempotency_key, NEW.amount, NEW.reason_code, NEW.note, NEW.ticket,
            NEW.requested_by_id, NEW.needs_approval, NEW.request_id, NEW.created_at)
        IS DISTINCT FROM
            (OLD.id, OLD.user_id, OLD.reference, OLD.idempotency_key, OLD.amount, OLD.reason_code, OLD.note, OLD.ticket,
            OLD.requested_by_id, OLD.needs_approval, OLD.request_id, OLD.created_at)
    THEN
        RAISE EXCEPTION 'adjustment % is decided once and changes in nothing else', OLD.reference
            USING ERRCODE = '23514';
    END IF;
    IF NEW.ledger_entry_id IS NOT NULL AND NOT EXISTS (
        SELECT 1 FROM sms_transactions AS entry
        WHERE entry.id = NEW.ledger_entry_id AND entry.type = 'adjustment'
            AND (entry.user_id, entry.amount, entry.reference) = (NEW.user_id, NEW.amount, NEW.reference)
    ) THEN
        RAISE EXCEPTION 'adjustment %: its ledger entry is not what was asked for', NEW.reference
            USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER credit_adjustments_decided_once BEFORE INSERT OR UPDATE ON credit_adjustments
    FOR EACH ROW EXECUTE FUNCTION credit_adjustments_check_row();
"""

UNDO_BIRTH_AND_CHANGE = """
DROP TRIGGER credit_adjustments_decided_once ON credit_adjustments;
DROP FUNCTION credit_adjustments_check_row();
"""

KEPT = """
CREATE TRIGGER credit_adjustments_undeleted BEFORE DELETE ON credit_adjustments
    FOR EACH ROW EXECUTE FUNCTION namaskah_refuse_change();
CREATE TRIGGER credit_adjustments_untruncated BEFORE TRUNCATE ON credit_adjustments
    FOR EACH STATEMENT EXECUTE FUNCTION namaskah_refuse_change();
"""

UNDO_KEPT = """
DROP TRIGGER credit_adjustments_undeleted ON credit_adjustments;
DROP TRIGGER credit_adjustments_untruncated ON credit_adjustments;
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0005_credit_adjustments")]

    operations = [
        migrations.RunSQL(BIRTH_AND_CHANGE, UNDO_BIRTH_AND_CHANGE),
        migrations.RunSQL(KEPT, UNDO_KEPT),
    ]
