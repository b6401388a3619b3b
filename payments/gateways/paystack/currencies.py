"""What Paystack takes at least (https://paystack.com/docs/api/#supported-currency)."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

# In subunits. Test mode does not enforce them, live mode does. XOF is left out: it has no subunit,
# and Paystack drops the hundredths it is sent.
MINIMUM_MINOR: Final[Mapping[str, int]] = MappingProxyType(
    {"NGN": 50_00, "USD": 2_00, "GHS": 10, "ZAR": 1_00, "KES": 3_00}
)
