"""Every error code of the API: its status, its title, and what to do about it. Codes are public and never change."""

from typing import Final

from namaskah.problem_catalogue.access import ACCESS_PROBLEMS
from namaskah.problem_catalogue.availability import AVAILABILITY_PROBLEMS
from namaskah.problem_catalogue.deliveries import DELIVERY_PROBLEMS
from namaskah.problem_catalogue.keys import KEY_PROBLEMS
from namaskah.problem_catalogue.problem import Problem, Retry
from namaskah.problem_catalogue.purchases import PURCHASE_PROBLEMS
from namaskah.problem_catalogue.requests import REQUEST_PROBLEMS

__all__ = ["PROBLEMS", "Problem", "Retry"]

PROBLEMS: Final[dict[str, Problem]] = dict(
    sorted(
        (
            REQUEST_PROBLEMS
            | ACCESS_PROBLEMS
            | KEY_PROBLEMS
            | PURCHASE_PROBLEMS
            | DELIVERY_PROBLEMS
            | AVAILABILITY_PROBLEMS
        ).items(),
        key=lambda entry: (entry[1].status, entry[0]),
    )
)
