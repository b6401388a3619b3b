"""The ledger's own rules: entries never change, balances follow them, wallets follow the ledger.

Statement triggers with transition tables check a whole batch at once; per-row triggers cost
several times as much. `enable_seqscan = off`, because a plan that was cached on an empty ledger
keeps its sequential scan. Every refusal has SQLSTATE 23514, which Django raises as IntegrityError.
"""

from django.db import migrations

REFUSE_CHANGE = """
CREATE FUNCTION namaskah_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% on % is refused: its rows are append-only', TG_OP, TG_TABLE_NAME USING ERRCODE = '23514';
END $$;
"""

APPEND_ONLY = """
CREATE TRIGGER {table}_unchanging BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION namaskah_refuse_change();
CREATE TRIGGER {table}_untruncated BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION namaskah_refuse_change();
"""

UNDO_APPEND_ONLY = """
DROP TRIGGER {table}_unchanging ON {table};
DROP TRIGGER {table}_untruncated ON {table};
"""

LEDGER = """
CREATE FUNCTION sms_transactions_check_inserted() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    wrong record;
BEGIN
    SELECT entry.reference, entry.sequence, entry.balance_after INTO wrong
    FROM inserted AS entry
    LEFT JOIN sms_transactions AS previous
        ON previous.wallet_id = entry.wallet_id AND previous.sequence = entry.sequence - 1
    WHERE (entry.sequence > 1 AND previous.id IS NULL)
        OR entry.balance_after IS DISTINCT FROM COALESCE(previous.balance_after, 0) + entry.amount
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'ledger entry % (sequence %, balance %) does not continue its wallet',
            wrong.reference, wrong.sequence, wrong.balance_after USING ERRCODE = '23514';
    END IF;

    SELECT entry.reference INTO wrong
    FROM inserted AS entry
    LEFT JOIN sms_transactions AS reversed ON reversed.id = entry.reverses_id
    WHERE entry.reverses_id IS NOT NULL AND (
        reversed.id IS NULL
        OR reversed.wallet_id IS DISTINCT FROM entry.wallet_id
        OR reversed.sequence >= entry.sequence
        OR reversed.amount >= 0
        OR (SELECT sum(other.amount) FROM sms_transactions AS other WHERE other.reverses_id = reversed.id)
            > -reversed.amount
    )
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'reversal % gives back more than was taken, or from another wallet',
            wrong.reference USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER sms_transactions_continuous AFTER INSERT ON sms_transactions
    REFERENCING NEW TABLE AS inserted
    FOR EACH STATEMENT EXECUTE FUNCTION sms_transactions_check_inserted();
"""

UNDO_LEDGER = """
DROP TRIGGER sms_transactions_continuous ON sms_transactions;
DROP FUNCTION sms_transactions_check_inserted();
"""

WALLETS = """
CREATE FUNCTION wallets_check_written() RETURNS trigger LANGUAGE plpgsql SET enable_seqscan = off AS $$
DECLARE
    wrong record;
BEGIN
    SELECT wallet.id, wallet.balance, wallet.sequence INTO wrong
    FROM written AS wallet
    LEFT JOIN sms_transactions AS newest
        ON newest.wallet_id = wallet.id AND newest.sequence = wallet.sequence
    WHERE wallet.balance IS DISTINCT FROM COALESCE(newest.balance_after, 0)
        OR (wallet.sequence > 0 AND newest.id IS NULL)
        OR EXISTS (
            SELECT 1 FROM sms_transactions AS later
            WHERE later.wallet_id = wallet.id AND later.sequence = wallet.sequence + 1
        )
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'wallet % (balance %, sequence %) is not where its ledger ends',
            wrong.id, wrong.balance, wrong.sequence USING ERRCODE = '23514';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER wallets_follow_ledger AFTER UPDATE ON wallets
    REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION wallets_check_written();
CREATE TRIGGER wallets_born_empty AFTER INSERT ON wallets
    REFERENCING NEW TABLE AS written
    FOR EACH STATEMENT EXECUTE FUNCTION wallets_check_written();
CREATE TRIGGER wallets_keep_owner BEFORE UPDATE OF id, user_id, created_at ON wallets
    FOR EACH ROW WHEN (
        (OLD.id, OLD.user_id, OLD.created_at) IS DISTINCT FROM (NEW.id, NEW.user_id, NEW.created_at)
    ) EXECUTE FUNCTION namaskah_refuse_change();
CREATE TRIGGER wallets_undeleted BEFORE DELETE ON wallets
    FOR EACH ROW EXECUTE FUNCTION namaskah_refuse_change();
CREATE TRIGGER wallets_untruncated BEFORE TRUNCATE ON wallets
    FOR EACH STATEMENT EXECUTE FUNCTION namaskah_refuse_change();
"""

UNDO_WALLETS = """
DROP TRIGGER wallets_follow_ledger ON wallets;
DROP TRIGGER wallets_born_empty ON wallets;
DROP TRIGGER wallets_keep_owner ON wallets;
DROP TRIGGER wallets_undeleted ON wallets;
DROP TRIGGER wallets_untruncated ON wallets;
DROP FUNCTION wallets_check_written();
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_initial")]

    operations = [
        migrations.RunSQL(REFUSE_CHANGE, "DROP FUNCTION namaskah_refuse_change();"),
        migrations.RunSQL(
            APPEND_ONLY.format(table="sms_transactions"), UNDO_APPEND_ONLY.format(table="sms_transactions")
        ),
        migrations.RunSQL(
            APPEND_ONLY.format(table="exchange_rates"), UNDO_APPEND_ONLY.format(table="exchange_rates")
        ),
        migrations.RunSQL(LEDGER, UNDO_LEDGER),
        migrations.RunSQL(WALLETS, UNDO_WALLETS),
    ]
