"""Every form that moves money or decides about it, sent more often than it is meant: it acts once.

Forms are found where Django finds them, and are in the table of `money_forms` all of them.
"""

from datetime import timedelta
from functools import partial

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db.models import F
from django.views import View

from namaskah.audit.models import FormToken
from namaskah.back_office import repeats
from namaskah.back_office.action_pages import ActionPage
from tests.factories.snapshots import take_snapshot
from tests.factories.users import StaffFactory, UserFactory
from tests.integration.actors import run_together
from tests.integration.back_office.addresses import list_addresses
from tests.integration.back_office.conftest import log_in
from tests.integration.back_office.forms import open_form, read_form, read_messages, second_tab, send
from tests.integration.back_office.money_forms import (
    FORMS,
    MEANT_TWICE,
    OF_NO_MONEY,
    SUPERUSER,
    count_effects,
    find_effects,
)
from tests.integration.back_office.reading import forget_proof, words_of

SENT_BEFORE = "This form was sent before. What it asked for is done once, and stands here if it worked."
NOT_YOURS = "This form is too old, or was not made for you. Open it again; nothing was done."
PASSWORD = "a password of the staff"
# What a form that does nothing may leave: what was refused, looks at pages, who sits there.
TRACES = {"audit_log", "form_tokens", "django_session", "gateway_calls"}

committed = pytest.mark.django_db(transaction=True)


def each(forms=FORMS):
    """Return forms for tests without threads, of which those that rehearse what they do need real transactions."""
    return [
        pytest.param(form, id=str(form), marks=committed if form.rehearses else pytest.mark.django_db) for form in forms
    ]


@pytest.fixture
def sit_down(db):
    """Return how somebody who may send the form sits down."""

    def log_somebody_in(role):
        person = StaffFactory() if role == SUPERUSER else UserFactory(is_staff=True)
        person.set_password(PASSWORD)
        person.save()
        if role != SUPERUSER:
            person.groups.add(Group.objects.get(name=role))
        return log_in(person)

    return log_somebody_in


@pytest.fixture
def set_up(sandbox, settings):
    """Return how the situation of a form comes about; the address of the form in it."""
    return lambda form: form.set_up(sandbox, settings)


def is_done(answer):
    """Whether the answer shows what was done, or leads to where it stands; a form that is shown again is a 400."""
    return answer.status_code in {200, 302}


def test_every_address_has_an_entry():
    found = {address.name for address in list_addresses()}
    forms = {form.address for form in FORMS}

    missing = f"say in money_forms.py what {sorted(found - forms - set(OF_NO_MONEY))} does once, or why it need not"
    assert (found, forms & set(OF_NO_MONEY)) == (forms | set(OF_NO_MONEY), set()), missing


def test_every_form_that_acts_is_of_the_kind_that_acts_once():
    pages = {address.name: getattr(address.pattern.callback, "view_class", View) for address in list_addresses()}

    assert [form.address for form in FORMS if not issubclass(pages[form.address], ActionPage)] == []


def test_no_list_has_actions_of_its_own():
    """They would be forms without a token."""
    assert {name: page.actions for name, page in admin.site._registry.items() if page.actions} == {}


@pytest.mark.parametrize("form", each())
def test_the_same_form_sent_again_acts_no_more_and_leads_to_where_it_stands(sit_down, set_up, form):
    """A double click, the back button and then the button again, or the forward button and sending it anew."""
    url = set_up(form)
    client = sit_down(form.role)
    opened = open_form(client, url)
    before = count_effects()

    first = send(client, url, opened, **form.fields)
    books = take_snapshot(without=TRACES)
    again = send(client, url, opened, **form.fields)

    assert is_done(first), words_of(first)
    assert find_effects(before) == form.effect
    assert again.status_code == 302
    if first.status_code == 302:
        assert again["Location"] == first["Location"]
    assert read_messages(again)[-1] == SENT_BEFORE
    assert take_snapshot(without=TRACES) == books
    assert find_effects(before) == form.effect


@pytest.mark.parametrize("form", each())
def test_the_same_form_sent_an_hour_later_acts_no_more(sit_down, set_up, form):
    url = set_up(form)
    client = sit_down(form.role)
    opened = open_form(client, url)
    send(client, url, opened, **form.fields)
    let_an_hour_pass(client)
    books, before = take_snapshot(without=TRACES), count_effects()

    without = send(client, url, opened, **form.fields)
    again = send(client, url, opened, **form.fields, proof=PASSWORD)

    # Who sits there must be shown anew, and then it was sent before all the same.
    assert without.status_code == 302 or list(without.context["form"].errors) == ["proof"]
    assert (again.status_code, read_messages(again)[-1]) == (302, SENT_BEFORE)
    assert (take_snapshot(without=TRACES), find_effects(before)) == (books, {})


@pytest.mark.parametrize("form", each())
def test_two_tabs_one_after_the_other(sit_down, set_up, form):
    """Each has a token of its own: what the second shows is no longer so, or it is meant twice."""
    url = set_up(form)
    client = sit_down(form.role)
    tabs = [open_form(client, url), open_form(client, url)]
    before = count_effects()

    first = send(client, url, tabs[0], **form.fields)
    books = take_snapshot(without=TRACES)
    second = send(client, url, tabs[1], **form.fields)

    assert tabs[0].token != tabs[1].token
    assert is_done(first), words_of(first)
    if form.told == MEANT_TWICE:
        assert (is_done(second), find_effects(before)) == (True, twice(form.effect))
    else:
        assert (second.status_code, form.told in words_of(second)) == (400, True)
        assert take_snapshot(without=TRACES) == books
        assert find_effects(before) == form.effect


@pytest.mark.django_db
@pytest.mark.parametrize("form", [form for form in FORMS if form.is_open_again], ids=str)
def test_the_back_button_and_the_form_asked_for_anew(sit_down, set_up, form):
    """A browser shows what was typed in a form with a new token: sent so, it asks whether it is meant once more."""
    url = set_up(form)
    client, other = sit_down(form.role), sit_down(form.role)
    send(client, url, open_form(client, url), **form.fields)
    books, before = take_snapshot(without=TRACES), count_effects()

    again = send(client, url, open_form(client, url), **form.fields)

    assert (again.status_code, list(again.context["form"].errors)) == (400, ["once_more"])
    assert (take_snapshot(without=TRACES), find_effects(before)) == (books, {})
    # It may be meant, and a colleague may mean the same.
    assert is_done(send(client, url, read_form(again), **form.fields, once_more="on"))
    assert find_effects(before) == form.effect
    assert is_done(send(other, url, open_form(other, url), **form.fields))
    assert find_effects(before) == twice(form.effect)


@pytest.mark.parametrize("form", each([form for form in FORMS if form.is_keyed]))
def test_a_form_whose_answer_was_lost_finds_what_it_did(sit_down, set_up, form, monkeypatch):
    """Its token is the key of what was asked for: sent again, it makes no second one."""
    url = set_up(form)
    client = sit_down(form.role)
    client.raise_request_exception = False
    opened = open_form(client, url)
    before = count_effects()
    with monkeypatch.context() as broken:
        broken.setattr(repeats, "note_sent", break_off)
        assert send(client, url, opened, **form.fields).status_code == 500
    assert find_effects(before) == form.effect

    again = send(client, url, opened, **form.fields)
    if not is_done(again):
        # What it shows has changed, by itself. Its token stays.
        again = send(client, url, read_form(again), **form.fields)

    # The secret of a key is gone, and so is said; all else leads to where it stands.
    assert is_done(again) or form.address == "api-key-issue"
    assert find_effects(before) == form.effect


@pytest.mark.parametrize("form", each())
def test_the_token_of_a_form_is_good_for_it_alone(sit_down, set_up, form):
    """Neither for another person, nor for another address; and whoever it was made for can still send it."""
    url = set_up(form)
    client, other = sit_down(form.role), sit_down(form.role)
    opened = open_form(client, url)
    books, before = take_snapshot(without=TRACES), count_effects()

    stolen = send(other, url, opened, **form.fields)

    assert (stolen.status_code, read_messages(stolen)[-1]) == (302, NOT_YOURS)
    if form.has_others:
        elsewhere = set_up(form)
        books, before = take_snapshot(without=TRACES), count_effects()
        moved = send(client, elsewhere, open_form(client, elsewhere), **form.fields, token=opened.token)
        assert (elsewhere != url, moved.status_code, read_messages(moved)[-1]) == (True, 302, NOT_YOURS)
    assert (take_snapshot(without=TRACES), find_effects(before)) == (books, {})
    assert is_done(send(client, url, opened, **form.fields))
    assert find_effects(before) == form.effect


@committed
@pytest.mark.parametrize("form", FORMS, ids=str)
def test_the_same_form_from_two_threads_at_once_acts_once(sit_down, set_up, form):
    url = set_up(form)
    client = sit_down(form.role)
    opened = open_form(client, url)
    before = count_effects()

    answers = run_together([partial(send, second_tab(client), url, opened, **form.fields) for _ in range(2)])

    assert [is_done(answer) for answer in answers] == [True, True]
    assert find_effects(before) == form.effect


@committed
@pytest.mark.parametrize("form", FORMS, ids=str)
def test_two_people_at_once(sit_down, set_up, form):
    """Each has a token of their own, and saw the same."""
    url = set_up(form)
    clients = [sit_down(form.role), sit_down(form.role)]
    sends = [partial(send, client, url, open_form(client, url), **form.fields) for client in clients]
    before = count_effects()

    answers = run_together(sends)

    if form.told == MEANT_TWICE:
        assert ([is_done(answer) for answer in answers], find_effects(before)) == ([True, True], twice(form.effect))
    else:
        assert sorted(is_done(answer) for answer in answers) == [False, True]
        told = next(answer for answer in answers if not is_done(answer))
        assert (told.status_code, form.told in words_of(told)) == (400, True)
        assert find_effects(before) == form.effect


def break_off(*_arguments, **_fields):
    raise RuntimeError("the process dies here")


def twice(effect):
    return {name: 2 * count for name, count in effect.items()}


def let_an_hour_pass(client):
    hour = timedelta(hours=1)
    FormToken.objects.update(created_at=F("created_at") - hour, used_at=F("used_at") - hour)
    forget_proof(client, minutes=60)
