"""Holds are decided once, and a wallet's `held` is the sum of its open ones.

Every refusal has SQLSTATE 23514, which Django raises as IntegrityError.
"""

from django.db import migrations

# The rules check what changes; what is held before they come must be explained too, not let go.
HELD_BEFORE = """
DO $$
DECLARE
    wrong record;
BEGIN
    SELECT wallet.id, wallet.held, COALESCE(hold.amount, 0) AS open INTO wrong
    FROM wallets AS wallet
    LEFT JOIN (SELECT wallet_id, sum(amount) AS amount FROM holds WHERE state = 'held' GROUP BY wallet_id) AS hold
        ON hold.wallet_id = wallet.id
    WHERE wallet.held IS DISTINCT FROM COALESCE(hold.amount, 0)
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'wallet % holds %, its open holds are %', wrong.id, wrong.held, wrong.open
            USING ERRCODE = '23514';
    END IF;
END $$;
"""

BIRTH_AND_CHANGE = """
CREATE FUNCTION holds_check_row() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        IF NEW.state IS DISTINCT FROM 'held' THEN
            RAISE EXCEPTION 'hold % must be born held', NEW.reference USING ERRCODE = '23514';
        END IF;
        RETURN NEW;
    END IF;
    IF OLD.state IS DISTINCT FROM 'held' OR NEW.state IS NOT DISTINCT FROM 'held'
        OR (NEW.id, NEW.wallet_id, NEW.reason, NEW.reference, NEW.amount, NEW.created_at)
        IS DISTINCT FROM (OLD.id, OLD.wallet_id, OLD.reason, OLD.reference, OLD.amount, OLD.created_at)
    THEN
        RAISE EXCEPTION 'hold % is decided once and changes in nothing else', OLD.reference USING ERRCODE = '23514';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER holds_decided_once BEFORE INSERT OR UPDATE ON holds
    FOR EACH ROW EXECUTE FUNCTION holds_check_row();
"""

UNDO_BIRTH_AND_CHANGE = """
DROP TRIGGER holds_decided_once ON holds;
DROP FUNCTION holds_check_row();
"""

# Deferred to the end of the database transaction, when holds and wallets are both written.
MATCH = """
CREATE FUNCTION wallets_check_held(wallet_key uuid) RETURNS void LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    wrong record;
BEGIN
    SELECT wallet.held AS kept, COALESCE(sum(hold.amount), 0) AS open INTO wrong
    FROM wallets AS wallet LEFT JOIN holds AS hold ON hold.wallet_id = wallet.id AND hold.state = 'held'
    WHERE wallet.id = wallet_key
    GROUP BY wallet.held;
    IF wrong.kept IS DISTINCT FROM wrong.open THEN
        RAISE EXCEPTION 'wallet % holds %, its open holds are %', wallet_key, wrong.kept, wrong.open
            USING ERRCODE = '23514';
    END IF;
END $$;
CREATE FUNCTION holds_check_wallet() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM wallets_check_held(NEW.wallet_id);
    RETURN NULL;
END $$;
CREATE FUNCTION wallets_check_holds() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM wallets_check_held(NEW.id);
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER holds_match_wallet AFTER INSERT OR UPDATE ON holds
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW EXECUTE FUNCTION holds_check_wallet();
CREATE CONSTRAINT TRIGGER wallets_match_holds AFTER UPDATE OF held ON wallets
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.held IS DISTINCT FROM NEW.held) EXECUTE FUNCTION wallets_check_holds();
CREATE CONSTRAINT TRIGGER wallets_born_without_holds AFTER INSERT ON wallets
    DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (NEW.held IS DISTINCT FROM 0) EXECUTE FUNCTION wallets_check_holds();
"""

UNDO_MATCH = """
DROP TRIGGER wallets_born_without_holds ON wallets;
DROP TRIGGER wallets_match_holds ON wallets;
DROP TRIGGER holds_match_wallet ON holds;
DROP FUNCTION wallets_check_holds();
DROP FUNCTION holds_check_wallet();
DROP FUNCTION wallets_check_held(uuid);
"""

KEPT = """
CREATE TRIGGER holds_undeleted BEFORE DELETE ON holds
    FOR EACH ROW EXECUTE FUNCTION namaskah_refuse_change();
CREATE TRIGGER holds_untruncated BEFORE TRUNCATE ON holds
    FOR EACH STATEMENT EXECUTE FUNCTION namaskah_refuse_change();
CREATE TRIGGER receivables_cancelled_once BEFORE UPDATE ON receivables
    FOR EACH ROW WHEN (
        OLD.cancelled_at IS NOT NULL
        OR (OLD.id, OLD.user_id, OLD.payment_log_id, OLD.reason, OLD.reference, OLD.amount, OLD.created_at)
            IS DISTINCT FROM
            (NEW.id, NEW.user_id, NEW.payment_log_id, NEW.reason, NEW.reference, NEW.amount, NEW.created_at)
    ) EXECUTE FUNCTION namaskah_refuse_change();
CREATE TRIGGER receivables_undeleted BEFORE DELETE ON receivables
    FOR EACH ROW EXECUTE FUNCTION namaskah_refuse_change();
CREATE TRIGGER receivables_untruncated BEFORE TRUNCATE ON receivables
    FOR EACH STATEMENT EXECUTE FUNCTION namaskah_refuse_change();
"""

UNDO_KEPT = """
DROP TRIGGER holds_undeleted ON holds;
DROP TRIGGER holds_untruncated ON holds;
DROP TRIGGER receivables_cancelled_once ON receivables;
DROP TRIGGER receivables_undeleted ON receivables;
DROP TRIGGER receivables_untruncated ON receivables;
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0003_holds_and_receivables")]

    operations = [
        migrations.RunSQL(HELD_BEFORE, migrations.RunSQL.noop),
        migrations.RunSQL(BIRTH_AND_CHANGE, UNDO_BIRTH_AND_CHANGE),
        migrations.RunSQL(MATCH, UNDO_MATCH),
        migrations.RunSQL(KEPT, UNDO_KEPT),
    ]
