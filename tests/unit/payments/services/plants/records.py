"""Plants in the inbox, in what is kept of the gateway's words, and in the rules of the database."""

import json
from datetime import timedelta

from django.utils import timezone

from namaskah.audit.models import Note
from namaskah.audit.records import record_action
from payments.models import GatewayCall
from tests.unit.billing.models.raw_sql import execute
from tests.unit.payments.services.plants.planting import breaks, change, copy


@breaks("due_event_is_not_old")
def plant_event_that_waits_for_hours(books):
    change(books.event, status="retrying", next_attempt_at=timezone.now() - timedelta(hours=1, minutes=1))


@breaks("processed_event_has_its_payment")
def plant_processed_event_without_a_payment(books):
    change(books.event, payment_id=None)


@breaks("processed_event_has_its_payment")
def plant_due_event_that_is_never_due(books):
    change(books.dead, status="received")


@breaks("stored_event_has_its_body")
def plant_event_with_another_body(books):
    change(books.event, body=b"{}")


@breaks("event_is_stored_once")
def plant_event_that_is_stored_twice(books):
    copy(books.event)


@breaks("dead_event_has_its_reason")
def plant_dead_event_without_a_reason(books):
    change(books.dead, error_class="")


@breaks("dead_event_has_its_reason")
def plant_event_that_is_nowhere(books):
    change(books.dead, status="lost")


@breaks("dead_event_has_its_reason")
def plant_dead_event_that_is_due(books):
    change(books.dead, next_attempt_at=timezone.now())


@breaks("no_secret_is_stored")
def plant_key_in_an_answer(books):
    _answer_of(books, message="sk_live_0123456789abcdef")


@breaks("no_secret_is_stored")
def plant_authorization_code_in_an_answer(books):
    _answer_of(books, data=[{"message": "AUTH_p7c3n1v8ye"}])


@breaks("no_secret_is_stored")
def plant_card_number_in_an_answer(books):
    _answer_of(books, data={"gateway_response": "Declined: 4084 0840 8408 4081"})


@breaks("no_secret_is_stored")
def plant_token_in_an_error(books):
    change(books.dead, error="401 for Authorization: Bearer 0123456789abcdef")


@breaks("no_secret_is_stored")
def plant_card_number_in_a_note(books):
    Note.objects.create(
        subject="user:1", text="Paid with 4084-0840-8408-4081.", author=books.user, created_at=timezone.now()
    )


@breaks("no_secret_is_stored")
def plant_card_number_with_dots_in_a_note(books):
    Note.objects.create(
        subject="user:1", text="Paid with 3782.822463.10005.", author=books.user, created_at=timezone.now()
    )


@breaks("no_secret_is_stored")
def plant_key_in_the_audit_log(books):
    record_action(by=None, action="key.issue", subject="shop", after={"key": "sk_live_0123456789abcdef"})


@breaks("rules_are_in_force")
def plant_audit_log_that_may_be_emptied(books):
    execute("DROP TRIGGER audit_log_untruncated ON audit_log")


@breaks("rules_are_in_force")
def plant_notes_that_may_change(books):
    execute("DROP TRIGGER notes_unchanging ON notes")


@breaks("rules_are_in_force")
def plant_disabled_trigger(books):
    execute("ALTER TABLE payment_logs DISABLE TRIGGER payment_logs_change_by_rule")


@breaks("rules_are_in_force")
def plant_table_whose_rows_may_go(books):
    execute("DROP TRIGGER refunds_undeleted ON refunds")


@breaks("rules_are_in_force")
def plant_constraint_that_old_rows_escape(books):
    execute("ALTER TABLE wallets ADD CONSTRAINT planted CHECK (balance >= 0) NOT VALID")


def _answer_of(books, **said):
    """Keep another answer of the gateway."""
    call = GatewayCall.objects.filter(reference=books.refunded.reference, operation="verify").last()
    copy(call, answer=json.dumps(said))
