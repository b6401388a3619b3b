"""The guard around views that move money."""

from datetime import UTC, datetime
from typing import Any, ClassVar

from django.http import HttpResponse
from django.utils import timezone
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from namaskah.api.client_request import ClientRequest
from namaskah.errors import GatewayRejectedError
from namaskah.idempotency.claims import KeyClaim, StoredAnswer, claim_key, finish_key, release_key
from namaskah.idempotency.keys import HEADER, parse_key
from namaskah.problem_details import CONTENT_TYPE, describe

JSON = "application/json"


class IdempotentView(APIView):
    """A POST that needs an Idempotency-Key. A subclass names its `input_serializer` and does the work in `perform`."""

    input_serializer: ClassVar[type[BaseSerializer[Any]]]
    _expires_at: datetime | None = None

    def perform(self, request: ClientRequest, body: Any, claim: KeyClaim) -> Response:
        """Do the work under `claim` and return the answer; what it raises but a gateway's refusal is not stored."""
        raise NotImplementedError

    def perform_authentication(self, request: Request) -> None:
        """Authenticate, then look at the key: before permissions, limits and the body."""
        super().perform_authentication(request)
        if request.user.is_authenticated:
            parse_key(request.headers.get(HEADER))

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        """Tell on every answer under a claimed key, refusals too, until when the key is known."""
        answer = super().finalize_response(request, response, *args, **kwargs)
        if self._expires_at is not None:
            answer["Idempotency-Expires"] = self._expires_at.astimezone(UTC).isoformat().replace("+00:00", "Z")
        return answer

    def post(self, request: ClientRequest, **_route_values: str) -> HttpResponse:
        """Do the work once per key, and give its answer again whenever the request comes again."""
        body = self.input_serializer(data=request.data)
        body.is_valid(raise_exception=True)
        claim = claim_key(
            user=request.user,
            key=parse_key(request.headers.get(HEADER)),
            method="POST",
            route=request.path,
            body=body.validated_data,
            now=timezone.now(),
        )
        self._expires_at = claim.expires_at
        if isinstance(claim, StoredAnswer):
            return _replay(claim)
        return self._answer(request, body, claim)

    def _answer(self, request: ClientRequest, body: Any, claim: KeyClaim) -> HttpResponse:
        try:
            done = self.perform(request, body, claim)
        except GatewayRejectedError as error:
            refusal = describe(error).to_bytes(request.request_id)
            answer = HttpResponse(refusal, status=describe(error).status, content_type=CONTENT_TYPE)
        except Exception:
            release_key(claim)
            raise
        else:
            answer = HttpResponse(JSONRenderer().render(done.data), status=done.status_code, content_type=JSON)
        finish_key(claim, status=answer.status_code, content_type=answer["Content-Type"], body=answer.content)
        return answer


def _replay(stored: StoredAnswer) -> HttpResponse:
    answer = HttpResponse(stored.body, status=stored.status, content_type=stored.content_type)
    answer["Idempotent-Replayed"] = "true"
    return answer
