from datetime import timedelta

import pytest
from django.utils import timezone

from namaskah.audit import form_tokens, tasks
from namaskah.audit.form_tokens import LIFETIME, FormTokenError
from namaskah.audit.models import FormToken
from tests.factories.users import UserFactory
from tests.integration.actors import run_together

pytestmark = pytest.mark.django_db
NEVER = "0d6c1f0e-0000-4000-8000-000000000000"
PURPOSE = "wallet.adjust ada"


@pytest.fixture
def member():
    return UserFactory()


def issue(member, *, purpose=PURPOSE, now=None):
    return form_tokens.issue_token(user=member, purpose=purpose, now=now or timezone.now())


def claim(token, member, *, purpose=PURPOSE, now=None):
    return form_tokens.claim_token(str(token), user=member, purpose=purpose, now=now or timezone.now())


def test_claim_token_takes_it_and_says_when(member):
    now = timezone.now()
    token = issue(member, now=now)

    claimed = claim(token, member, now=now)

    assert claimed.pk == token
    assert FormToken.objects.get(pk=token).used_at == now


def test_claim_token_twice_is_refused(member):
    token = issue(member)
    claim(token, member)

    with pytest.raises(FormTokenError, match="sent before"):
        claim(token, member)


def test_claim_token_after_it_was_given_back_takes_it_again(member):
    token = issue(member)
    form_tokens.give_back(claim(token, member))

    assert claim(token, member).pk == token


def test_claim_token_of_somebody_else_is_refused_and_stays_theirs(member):
    token = issue(member)

    with pytest.raises(FormTokenError, match="not made for you"):
        claim(token, UserFactory())

    assert FormToken.objects.get(pk=token).used_at is None


def test_claim_token_of_another_form_is_refused_and_stays_with_it(member):
    token = issue(member)

    with pytest.raises(FormTokenError, match="not made for you"):
        claim(token, member, purpose="wallet.adjust grace")

    assert FormToken.objects.get(pk=token).used_at is None


@pytest.mark.parametrize("text", ["", "none", "' OR 1=1 --", "0" * 400, "\x00", NEVER])
def test_claim_token_of_what_was_never_given_out_is_refused(member, text):
    with pytest.raises(FormTokenError, match="not made for you"):
        claim(text, member)


@pytest.mark.parametrize(
    ("age", "is_taken"), [(LIFETIME - timedelta(seconds=1), True), (LIFETIME, False), (LIFETIME * 2, False)]
)
def test_claim_token_is_refused_once_it_is_too_old(member, age, is_taken):
    now = timezone.now()
    token = issue(member, now=now - age)

    if is_taken:
        assert claim(token, member, now=now).used_at is None
    else:
        with pytest.raises(FormTokenError, match="too old"):
            claim(token, member, now=now)

    assert (FormToken.objects.get(pk=token).used_at is not None) is is_taken


@pytest.mark.django_db(transaction=True)
def test_claim_token_by_eight_at_once_lets_one_through(member):
    token = issue(member)

    outcomes = run_together([lambda: claim(token, member)] * 8)

    refused = [outcome for outcome in outcomes if isinstance(outcome, FormTokenError)]
    assert (len(outcomes) - len(refused), len(refused)) == (1, 7)


def test_purge_tokens_removes_those_too_old_for_their_forms(member):
    now = timezone.now()
    young = issue(member, now=now - LIFETIME + timedelta(seconds=1))
    issue(member, now=now - LIFETIME)
    sent_at = now - LIFETIME - timedelta(days=1)
    claim(issue(member, now=sent_at), member, now=sent_at)

    assert form_tokens.purge_tokens(now=now) == 2

    assert [token.pk for token in FormToken.objects.all()] == [young]


def test_purge_task_removes_them_too(member):
    issue(member, now=timezone.now() - LIFETIME)

    tasks.purge_tokens()

    assert FormToken.objects.count() == 0


def test_token_that_was_purged_acts_no_more(member):
    now = timezone.now()
    token = issue(member, now=now - LIFETIME)
    form_tokens.purge_tokens(now=now)

    with pytest.raises(FormTokenError, match="too old"):
        claim(token, member, now=now)


@pytest.mark.parametrize(("is_used", "text"), [(False, f"{PURPOSE} (unused)"), (True, f"{PURPOSE} (used)")])
def test_token_says_what_it_is_for(member, is_used, text):
    token = FormToken.objects.get(pk=issue(member))
    if is_used:
        claim(token.pk, member)
        token.refresh_from_db()

    assert str(token) == text
