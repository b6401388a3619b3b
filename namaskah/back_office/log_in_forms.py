"""The form of the log-in."""

from typing import Any, Final

from django.core.validators import MaxLengthValidator
from unfold.forms import AuthenticationForm

_LONGEST_NAME: Final = 150


class LogInForm(AuthenticationForm):
    """User name and password. Django tells browsers how long a name is, and looks itself at any length."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["username"].validators.append(MaxLengthValidator(_LONGEST_NAME))
