import re
from datetime import timedelta

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from namaskah.audit.form_tokens import LIFETIME
from namaskah.audit.models import AuditEntry, FormToken, Note
from namaskah.back_office.turns import take_turn
from tests.factories.people import AgentFactory
from tests.factories.users import UserFactory
from tests.integration.actors import run_together
from tests.integration.back_office.conftest import log_in
from tests.integration.back_office.forms import open_form, read_form, read_messages, second_tab, send
from tests.unit.namaskah.back_office.pages import BROKEN_OFF, REFUSED, KeepNote, KeepNoteUnproved

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.unit.namaskah.back_office.pages")]

SENT_BEFORE = "This form was sent before. What it asked for is done once, and stands here if it worked."
NOT_YOURS = "This form is too old, or was not made for you. Open it again; nothing was done."
CHANGED = "Something changed since you opened this page. Look again; nothing was done."
PASSWORD = "correct horse battery staple"


@pytest.fixture
def customer():
    return UserFactory()


@pytest.fixture
def address(customer):
    return KeepNote.address_of(customer)


@pytest.fixture
def agent():
    return log_in(AgentFactory(permission="add_staff_note"))


def write(client, address, form, **fields):
    return send(client, address, form, **({"text": "Called back.", "color": "blue"} | fields))


def texts():
    return list(Note.objects.values_list("text", flat=True))


def refusals():
    return list(AuditEntry.objects.filter(outcome="refused").values_list("action", "subject", "reason"))


def is_used(form):
    return FormToken.objects.get(pk=form.token).used_at is not None


def test_page_says_what_it_is_about_and_gives_out_a_token(agent, customer, address):
    form = open_form(agent, address)

    text = form.page.content.decode()
    assert f"Keep a note: {customer.username}" in text
    assert customer.email in text
    assert form.version == "0"
    token = FormToken.objects.get()
    assert (str(token.pk), token.user, token.used_at) == (form.token, agent.user, None)
    assert token.purpose == f"customer.keep_note {customer.username}"


def test_page_labels_every_field(agent, address):
    text = open_form(agent, address).page.content.decode()

    fields = re.findall(r'<(?:input|select|textarea)[^>]*\bid="(id_\w+)"', text)
    assert fields == ["id_text", "id_color"]
    assert set(fields) <= set(re.findall(r'<label[^>]*\bfor="(\w+)"', text))


def test_form_that_is_sent_acts_and_tells_it(agent, customer, address):
    form = open_form(agent, address)

    answer = write(agent, address, form)

    assert (answer.status_code, answer["Location"]) == (302, reverse("admin:auth_user_change", args=[customer.pk]))
    assert refusals() == []
    assert read_messages(answer) == ["Kept."]
    assert texts() == ["Called back."]
    assert Note.objects.get().pk == FormToken.objects.get(used_at__isnull=False).pk


def test_form_leaves_in_the_audit_log_whose_request_it_was(agent, address):
    form = open_form(agent, address)

    answer = agent.post(address, form.hidden | {"text": "Called back.", "color": "red"}, REMOTE_ADDR="192.0.2.7")

    entry = AuditEntry.objects.get(action="note.add")
    assert (entry.actor, entry.address) == (agent.user, "192.0.2.7")
    assert entry.request_id == answer["X-Request-ID"] != ""


def test_form_that_is_sent_twice_acts_once(agent, address):
    form = open_form(agent, address)
    write(agent, address, form)

    answer = write(agent, address, form)

    assert (answer.status_code, read_messages(answer)) == (302, ["Kept.", SENT_BEFORE])
    assert texts() == ["Called back."]


@pytest.mark.django_db(transaction=True)
def test_form_that_is_sent_by_two_threads_acts_once(agent, address):
    form = open_form(agent, address)
    tabs = [second_tab(agent) for _ in range(2)]

    answers = run_together([lambda tab=tab: write(tab, address, form) for tab in tabs])

    told = sorted(message for answer in answers for message in read_messages(answer))
    assert told == ["Kept.", SENT_BEFORE]
    assert texts() == ["Called back."]


@pytest.mark.django_db(transaction=True)
def test_two_forms_that_are_sent_at_once_act_upon_what_they_showed(agent, address):
    """Each has a token of its own: two tabs, two browsers, two colleagues."""
    colleague = log_in(AgentFactory(permission="add_staff_note"))
    pairs = [(client, open_form(client, address)) for client in (agent, colleague, second_tab(agent))]

    answers = run_together([lambda client=client, form=form: write(client, address, form) for client, form in pairs])

    assert sorted(answer.status_code for answer in answers) == [302, 400, 400]
    assert all(CHANGED in answer.content.decode() for answer in answers if answer.status_code == 400)
    assert texts() == ["Called back."]
    assert FormToken.objects.filter(used_at__isnull=True).count() == 2


def test_form_that_is_refused_says_why_and_may_be_sent_again(agent, customer, address):
    form = open_form(agent, address)

    answer = write(agent, address, form, text=REFUSED)

    assert (answer.status_code, read_form(answer).hidden) == (400, form.hidden)
    page = answer.content.decode()
    assert "This is refused." in page
    assert f'value="{REFUSED}"' in page
    assert (texts(), is_used(form)) == ([], False)
    assert refusals() == [("customer.keep_note", customer.username, "This is refused.")]
    assert write(agent, address, form).status_code == 302
    assert texts() == ["Called back."]


def test_form_that_broke_off_after_its_commit_finds_what_it_did(agent, address):
    form = open_form(agent, address)
    agent.raise_request_exception = False

    assert write(agent, address, form, text=BROKEN_OFF).status_code == 500

    assert (texts(), is_used(form)) == ([BROKEN_OFF], False)
    again = write(agent, address, form, text=BROKEN_OFF)
    assert again.status_code == 400
    assert CHANGED in again.content.decode()
    assert write(agent, address, read_form(again), text=BROKEN_OFF).status_code == 302
    assert texts() == [BROKEN_OFF]


def test_token_of_somebody_else_acts_for_nobody(agent, address):
    other = log_in(AgentFactory(permission="add_staff_note"))
    form = open_form(other, address)

    answer = write(agent, address, form)

    assert read_messages(answer) == [NOT_YOURS]
    assert (texts(), is_used(form)) == ([], False)


def test_token_of_another_form_acts_not_here(agent, customer, address):
    about_another = open_form(agent, KeepNote.address_of(UserFactory()))
    of_another_page = open_form(agent, KeepNoteUnproved.address_of(customer))

    answers = [write(agent, address, form) for form in (about_another, of_another_page)]

    assert read_messages(answers[-1]) == [NOT_YOURS, NOT_YOURS]
    assert (texts(), is_used(about_another), is_used(of_another_page)) == ([], False, False)


@pytest.mark.parametrize("token", ["", "none", "' OR 1=1 --", "0d6c1f0e-0000-4000-8000-000000000000"])
def test_token_that_was_never_given_out_acts_not(agent, address, token):
    form = open_form(agent, address)

    answer = write(agent, address, form, token=token)

    assert read_messages(answer) == [NOT_YOURS]
    assert texts() == []


def test_form_that_lay_open_for_too_long_acts_not(agent, address):
    form = open_form(agent, address)
    FormToken.objects.update(created_at=timezone.now() - LIFETIME)

    answer = write(agent, address, form)

    assert read_messages(answer) == [NOT_YOURS]
    assert texts() == []


def test_form_that_shows_what_is_no_longer_so_acts_not(agent, customer, address):
    form = open_form(agent, address)
    Note.objects.create(subject=customer.username, text="Meanwhile.", author=agent.user, created_at=timezone.now())

    answer = write(agent, address, form)

    shown = read_form(answer)
    assert (answer.status_code, shown.version, shown.token) == (400, "1", form.token)
    page = answer.content.decode()
    assert CHANGED in page
    assert 'value="Called back."' in page
    assert (texts(), is_used(form)) == (["Meanwhile."], False)
    assert write(agent, address, shown).status_code == 302
    assert sorted(texts()) == ["Called back.", "Meanwhile."]


@pytest.mark.django_db(transaction=True)
def test_form_that_is_kept_waiting_says_so_and_may_be_sent_again(agent, customer, address, settings):
    form = open_form(agent, address)

    with take_turn(customer.username):
        answer = write(agent, address, form)

    assert answer.status_code == 400
    assert "Somebody is doing something here at this moment." in answer.content.decode()
    assert (texts(), is_used(form)) == ([], False)
    assert write(agent, address, form).status_code == 302


@pytest.mark.parametrize("method", ["get", "post"])
def test_page_without_the_permission_is_refused_and_written_down(customer, address, method):
    client = log_in(AgentFactory(permission=""))

    answer = getattr(client, method)(address)

    assert answer.status_code == 403
    assert "You may not do this" in answer.content.decode()
    assert refusals() == [("customer.keep_note", str(customer.pk), "not permitted")]
    assert (texts(), FormToken.objects.count()) == ([], 0)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("make", [Client, lambda: log_in(UserFactory())])
def test_page_sends_whoever_is_no_staff_to_the_log_in(address, make, method):
    answer = getattr(make(), method)(address)

    assert (answer.status_code, answer["Location"]) == (302, f"/admin/login/?next={address}")
    assert (texts(), refusals()) == ([], [])


@pytest.mark.parametrize("method", ["get", "post"])
def test_page_about_what_is_not_there_says_so(agent, method):
    answer = getattr(agent, method)(reverse("admin:customer-keep-note", args=[0]))

    assert (answer.status_code, read_messages(answer)) == (302, ["There is no such customer."])


def test_form_from_another_site_is_refused(address, agent):
    careful = Client(enforce_csrf_checks=True)
    careful.cookies = agent.cookies
    form = open_form(agent, address)

    assert write(careful, address, form).status_code == 403
    assert (texts(), is_used(form)) == ([], False)


@pytest.mark.parametrize("fields", [{"text": ""}, {"text": "t" * 101}, {"color": "green"}, {"text": "nul\x00"}])
def test_form_that_is_filled_in_wrongly_acts_not_and_stays_open(agent, address, fields):
    form = open_form(agent, address)

    answer = write(agent, address, form, **fields)

    assert (answer.status_code, read_form(answer).hidden) == (400, form.hidden)
    assert (texts(), is_used(form), refusals()) == ([], False, [])


def test_form_takes_no_card_numbers_and_keys(agent, address):
    form = open_form(agent, address)

    answer = write(agent, address, form, text="He paid with 4084 0840 8408 4081.")

    assert answer.status_code == 400
    assert "looks like a card number or a key" in answer.content.decode()
    assert (texts(), is_used(form)) == ([], False)


class TestProof:
    """Who sits there is asked for anew once that was not shown for fifteen minutes."""

    @pytest.fixture
    def agent(self):
        member = AgentFactory(permission="add_staff_note")
        member.set_password(PASSWORD)
        member.save()
        with time_machine.travel(timezone.now() - timedelta(minutes=15)):
            return log_in(member)

    def test_is_not_asked_for_a_moment_earlier(self, agent, address):
        with time_machine.travel(timezone.now() - timedelta(seconds=5)):
            form = open_form(agent, address)
            assert 'name="proof"' not in form.page.content.decode()
            assert write(agent, address, form).status_code == 302

    def test_is_asked_for_in_the_form_and_acts_when_it_is_right(self, agent, address):
        form = open_form(agent, address)
        assert "Your password" in form.page.content.decode()

        assert write(agent, address, form, proof=PASSWORD).status_code == 302

        assert texts() == ["Called back."]
        assert 'name="proof"' not in open_form(agent, address).page.content.decode()

    @pytest.mark.parametrize("proof", [{}, {"proof": ""}, {"proof": "wrong"}])
    def test_that_is_missing_or_wrong_acts_not_and_lets_what_was_typed_stand(self, agent, address, proof):
        form = open_form(agent, address)

        answer = write(agent, address, form, **proof)

        page = answer.content.decode()
        assert (answer.status_code, read_form(answer).hidden) == (400, form.hidden)
        assert 'value="Called back."' in page
        assert '<option value="blue" selected>' in page
        assert "wrong" not in re.findall(r'<input[^>]*name="proof"[^>]*>', page)[0]
        assert (texts(), is_used(form)) == ([], False)

    def test_is_asked_for_although_the_form_was_opened_before(self, agent, address):
        with time_machine.travel(timezone.now() - timedelta(minutes=1)):
            form = open_form(agent, address)

        answer = write(agent, address, form)

        assert (answer.status_code, texts()) == (400, [])
        assert 'name="proof"' in answer.content.decode()

    def test_of_another_password_after_five_wrong_ones_is_locked_out(self, agent, address):
        form = open_form(agent, address)

        statuses = [write(agent, address, form, proof="wrong").status_code for _ in range(5)]

        assert statuses == [400, 400, 400, 400, 429]
        assert write(agent, address, form, proof=PASSWORD).status_code == 429
        assert texts() == []

    def test_once_shown_is_not_asked_for_when_the_form_is_shown_again(self, agent, address):
        form = open_form(agent, address)

        answer = write(agent, address, form, proof=PASSWORD, text=REFUSED)

        assert 'name="proof"' not in answer.content.decode()
        assert write(agent, address, form).status_code == 302

    def test_is_asked_for_nowhere_it_does_not_matter(self, agent, customer):
        address = KeepNoteUnproved.address_of(customer)
        form = open_form(agent, address)

        assert 'name="proof"' not in form.page.content.decode()
        assert write(agent, address, form).status_code == 302


@pytest.mark.parametrize(("takes_away", "color"), [(True, "bg-red-600"), (False, "bg-primary-600")])
def test_button_is_red_where_something_is_taken_away(agent, address, monkeypatch, takes_away, color):
    monkeypatch.setattr(KeepNote, "takes_away", takes_away)

    button = re.search(r"<button[^>]*type=.submit.[^>]*>\s*Keep it", open_form(agent, address).page.content.decode())

    assert color in button[0]


def test_refused_form_ties_each_error_to_its_field_and_says_so_in_the_title(agent, address):
    page = write(agent, address, open_form(agent, address), text="").content.decode()

    assert "Error: Keep a note" in page
    assert re.search('<p id="id_text_error"[^>]*>This field is required.</p>', page)
    assert 'aria-describedby="id_text_helptext id_text_error"' in page
    assert 'id="id_text_helptext"' in page
