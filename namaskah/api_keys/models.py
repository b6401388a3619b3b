"""API keys."""

from django.conf import settings
from django.db import models
from django.utils import timezone
from knox.models import AbstractAuthToken
from knox.settings import CONSTANTS

from namaskah.identifiers import new_id


class ApiKey(AbstractAuthToken):  # type: ignore[misc]  # -- knox has no types
    """A client's key: of the secret itself only the SHA-512 digest is kept."""

    # Knox's primary key would be the digest, which addresses and logs of the back office would carry about.
    id = models.UUIDField(primary_key=True, default=new_id, editable=False)
    digest = models.CharField(max_length=CONSTANTS.DIGEST_LENGTH, unique=True)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="auth_token_set")
    name = models.CharField(max_length=100)
    last_four = models.CharField(max_length=4)
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    class Meta:
        db_table = "api_keys"
        verbose_name = "API key"
        permissions = [("issue_key", "Can issue a key"), ("revoke_key", "Can revoke a key")]
        constraints = [
            models.CheckConstraint(name="api_keys_apikey_has_name", condition=~models.Q(name="")),
        ]

    def __str__(self) -> str:
        return f"{self.name} (…{self.last_four})"

    @property
    def is_usable(self) -> bool:
        """Whether the key opens anything now."""
        is_expired = self.expiry is not None and self.expiry <= timezone.now()
        return self.revoked_at is None and not is_expired
