import pytest

from namaskah.audit.models import AuditEntry
from namaskah.audit.origins import Origin, OriginMiddleware, coming_from, get_origin
from namaskah.audit.records import record_action
from tests.integration.actors import run_together

ADDRESS = Origin(address="192.0.2.7", request_id="8b1c")


def test_get_origin_of_a_shell_is_empty():
    assert get_origin() == Origin(address="", request_id="")


def test_get_origin_inside_is_what_was_noted_and_before_afterwards():
    with coming_from(ADDRESS):
        noted = get_origin()

    assert (noted, get_origin()) == (ADDRESS, Origin())


def test_get_origin_after_a_failure_is_what_it_was_before():
    with pytest.raises(ZeroDivisionError), coming_from(ADDRESS):
        raise ZeroDivisionError

    assert get_origin() == Origin()


def test_get_origin_of_another_thread_is_its_own():
    with coming_from(ADDRESS):
        assert run_together([get_origin]) == [Origin()]


def test_middleware_notes_address_and_request_id_for_as_long_as_the_request_lasts(rf):
    request = rf.get("/admin/", REMOTE_ADDR="192.0.2.7")
    request.request_id = "8b1c"

    assert OriginMiddleware(lambda _request: get_origin())(request) == ADDRESS
    assert get_origin() == Origin()


@pytest.mark.django_db
def test_address_of_a_request_fits_the_audit_log_however_long_it_is(rf):
    request = rf.get("/admin/", REMOTE_ADDR="2001:db8:ffff:ffff:ffff:ffff:ffff:ffff")
    request.request_id = "8b1c2f0e-0000-4000-8000-000000000000"

    OriginMiddleware(lambda _request: record_action(by=None, action="log_in", subject="ada"))(request)

    entry = AuditEntry.objects.get()
    assert (entry.address, entry.request_id) == ("2001:db8:ffff:ff00::/56", request.request_id)
