"""Is it Paystack that sent this? (https://paystack.com/docs/payments/webhooks/#verify-event-origin)."""

import hmac
import re
from collections.abc import Sequence
from typing import Final

_HEX_SHA512: Final = re.compile(r"[0-9a-f]{128}")


def is_signed(*, raw: bytes, signature: str, keys: Sequence[str]) -> bool:
    """Say whether `signature` is the HMAC-SHA512 of the `raw` body under one of the secret `keys`.

    Paystack signs the bytes it sends, so a body that was parsed and written again does not verify. An
    empty key verifies nothing: everybody can sign with it.
    """
    if not _HEX_SHA512.fullmatch(signature):
        return False
    given = signature.encode()
    return any(
        hmac.compare_digest(hmac.digest(key.encode(), raw, "sha512").hex().encode(), given) for key in keys if key
    )
