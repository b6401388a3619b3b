"""Reading settings from the environment, so that a wrong value names its setting."""

from decimal import InvalidOperation
from typing import Any

import environ

_TRUE = frozenset(environ.Env.BOOLEAN_TRUE_STRINGS)
_FALSE = frozenset({"false", "off", "n", "no", "0", ""})


class Environment(environ.Env):  # type: ignore[misc]  # -- environ has no types
    """Refuses a value of the wrong kind by the setting's name; nothing but a plain "no" switches off."""

    def get_value(self, var: str, cast: Any = None, *args: Any, **kwargs: Any) -> Any:
        """Return the value of `var`.

        :raises ImproperlyConfigured: if it is not of the kind that `cast` makes.
        """
        if cast is bool and self.ENVIRON.get(var, "").lower() not in _TRUE | _FALSE:
            raise environ.ImproperlyConfigured(f"{var} must be on or off.")
        try:
            if cast is float and var in self.ENVIRON:
                # environ drops letters first, and reads 1e3 as 13.
                return float(self.ENVIRON[var])
            return super().get_value(var, cast, *args, **kwargs)
        except InvalidOperation as error:
            raise environ.ImproperlyConfigured(f"{var} must be a number.") from error
        except ValueError as error:
            raise environ.ImproperlyConfigured(f"{var}: {error}.") from error
