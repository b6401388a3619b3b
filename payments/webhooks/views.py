"""The webhook endpoint: a plain Django view, because the API framework costs four times the work."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from namaskah.problem_details import problem_response
from payments.gateways.paystack.signatures import is_signed
from payments.services import nudges, webhook_ingest


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
        return problem_response(request, code="signature_missing")
    raw = request.body
    keys = [settings.PAYSTACK_SECRET_KEY, settings.PAYSTACK_PREVIOUS_SECRET_KEY]
    if not is_signed(raw=raw, signature=signature, keys=keys):
        return problem_response(request, code="signature_invalid")
    if webhook_ingest.ingest(raw):
        nudges.nudge()
    return JsonResponse({"status": "success"})
