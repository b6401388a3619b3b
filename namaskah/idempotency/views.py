"""The guard around views that move money."""

from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

from django.contrib.auth.models import User
from django.db import DatabaseError, InterfaceError
from django.http import HttpResponse
from django.utils import timezone
from django.utils.encoding import escape_uri_path
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from namaskah.api.client_request import ClientRequest
from namaskah.api.views import ApiView
from namaskah.errors import GatewayRejectedError
from namaskah.idempotency.claims import KeyClaim, StoredAnswer, claim_key, find_expiry, finish_key, release_key
from namaskah.idempotency.keys import HEADER, parse_key
from namaskah.problem_details import CONTENT_TYPE, describe

JSON = "application/json"


class IdempotentView(ApiView):
    """A POST that needs an Idempotency-Key. A subclass names its `input_serializer` and does the work in `perform`."""

    input_serializer: ClassVar[type[BaseSerializer[Any]]]
    _key: UUID | None = None
    _expires_at: datetime | None = None

    def perform(self, request: ClientRequest, body: Any, claim: KeyClaim) -> Response:
        """Do the work under `claim` and return the answer; what it raises but a gateway's refusal is not stored."""
        raise NotImplementedError

    def perform_authentication(self, request: Request) -> None:
        """Authenticate, then look at the key: before permissions, limits and the body."""
        super().perform_authentication(request)
        if request.method == "POST" and request.user.is_authenticated:
            self._key = parse_key(request.headers.get(HEADER))

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Tell on every answer under a known key, refusals too, until when it is known."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        expires_at = self._expires_at or self._find_expiry(request)
        if expires_at is not None:
            answer["Idempotency-Expires"] = expires_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return answer

    def post(self, request: ClientRequest, **_route_values: str) -> HttpResponse:
        """Do the work once per key, and give its answer again whenever the request comes again."""
        body = self.input_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        claim = claim_key(
            user=request.user,
            key=parse_key(request.headers.get(HEADER)),
            method="POST",
            route=escape_uri_path(request.path),
            body=body.validated_data,
            now=timezone.now(),
        )
        self._expires_at = claim.expires_at
        if isinstance(claim, StoredAnswer):
            return _replay(claim)
        return self._answer(request, body, claim)

    def _find_expiry(self, request: Request) -> datetime | None:
        """Look up the key of a request that was refused before it claimed it."""
        if self._key is None or not isinstance(request.user, User):
            return None
        try:
            return find_expiry(user=request.user, key=self._key)
        except (DatabaseError, InterfaceError):
            return None

    def _answer(self, request: ClientRequest, body: Any, claim: KeyClaim) -> HttpResponse:
        try:
            answer = self._perform(request, body, claim)
            finish_key(claim, status=answer.status_code, content_type=answer["Content-Type"], body=answer.content)
        except Exception:
            release_key(claim)
            raise
        return answer

    def _perform(self, request: ClientRequest, body: Any, claim: KeyClaim) -> HttpResponse:
        try:
            done = self.perform(request, body, claim)
        except GatewayRejectedError as error:
            problem = describe(error)
            refusal = problem.to_bytes(request.request_id)
            return HttpResponse(refusal, status=problem.status, content_type=CONTENT_TYPE)
        return HttpResponse(JSONRenderer().render(done.data), status=done.status_code, content_type=JSON)


def _replay(stored: StoredAnswer) -> HttpResponse:
    answer = HttpResponse(stored.body, status=stored.status, content_type=stored.content_type)
    answer["Idempotent-Replayed"] = "true"
    return answer
