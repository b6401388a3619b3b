import pytest

from namaskah import errors


@pytest.mark.parametrize("seconds", [None, 7])
def test_unavailable_error_says_when_to_come_back(seconds):
    error = errors.GatewayUnavailableError("Away.", retry_after_seconds=seconds)

    assert (str(error), error.detail, error.retry_after_seconds) == ("Away.", "Away.", seconds)


def test_gateway_rejected_error_keeps_paystacks_own_code_apart_from_ours():
    error = errors.GatewayRejectedError("Declined.", gateway_code="insufficient_funds")

    assert (error.code, error.gateway_code) == ("gateway_rejected", "insufficient_funds")
