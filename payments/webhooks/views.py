"""The webhook endpoint: a plain Django view, because the API framework costs four times the work."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from namaskah.api import rate_limit_fields
from namaskah.api.client_address import get_client_address
from namaskah.api.throttling import RateLimitedError
from namaskah.observability import request_id
from namaskah.openapi.operations import describe as describe_operation
from namaskah.problem_details import describe, problem_response, write_problem
from payments.gateways.paystack.signatures import is_signed
from payments.services import nudges, webhook_ingest
from payments.webhooks import signature_failures
from payments.webhooks.operations import WEBHOOK


@describe_operation(WEBHOOK)
@csrf_exempt
def receive_webhook(request: HttpRequest) -> HttpResponse:
    """POST /api/v1/payments/paystack/webhook

    Answers 200 once the event is committed to the inbox: Paystack counts nothing else as delivered
    (https://paystack.com/docs/payments/webhooks/). Django itself refuses a body over DATA_UPLOAD_MAX_MEMORY_SIZE.
    """
    if request.method != "POST":
        return problem_response(request, code="method_not_allowed", headers={"Allow": "POST"})
    signature = request.headers.get("x-paystack-signature")
    if signature is None:
        return _refuse(request, "signature_missing")
    raw = request.body
    keys = [settings.PAYSTACK_SECRET_KEY, settings.PAYSTACK_PREVIOUS_SECRET_KEY]
    if not is_signed(raw=raw, signature=signature, keys=keys):
        return _refuse(request, "signature_invalid")
    if webhook_ingest.ingest(raw):
        nudges.nudge()
    return JsonResponse({"status": "success"})


def _refuse(request: HttpRequest, code: str) -> HttpResponse:
    """Refuse what is not signed. A flood of it is answered without a line in the log.

    A good signature never comes here, so that a flood from the gateway's own proxy cannot silence the gateway.
    """
    usage = signature_failures.count(get_client_address(request))
    if usage.is_exceeded:
        request_id.leave_unlogged(request)
        response = write_problem(request, describe(RateLimitedError(usage)))
    else:
        response = problem_response(request, code=code)
    rate_limit_fields.write(response, usage)
    return response
