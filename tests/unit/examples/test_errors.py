from examples.errors import ApiError
from namaskah.problem_catalogue import PROBLEMS, Retry


def test_client_sends_again_whatever_the_catalogue_says_may_be_sent_again():
    sent_again = {code for code, problem in PROBLEMS.items() if ApiError(code, problem.status, "").is_temporary}

    assert sent_again == {code for code, problem in PROBLEMS.items() if problem.retry is not Retry.NO}
