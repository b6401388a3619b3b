"""Says through the product's logs what must be masked, and what other packages say."""

import logging
from uuid import UUID

import django
import structlog

SECRET = "sk_live_" + "a1b2" * 10
KEY = "0123456789abcdef" * 4
SIGNATURE = "0123456789abcdef" * 8


def main() -> None:
    django.setup()
    logger = structlog.get_logger("talkative")
    with structlog.contextvars.bound_contextvars(request_id="2f0c8a4e-0000-4000-8000-000000000001"):
        logger.info("secret", text=f"key {SECRET} and Authorization: Bearer {KEY} and {SIGNATURE}")
        logger.info("url", text="postgresql://namaskah:hunter2@db/namaskah")
        logger.info("email", text="ask ada.lovelace@example.com")
        logger.info("nested", members={"key": SECRET, "list": [{"email": "ada@example.com"}, 7, None]})
        logger.info("object", error=ValueError(SECRET))
        logger.info("card", text="4084084084084081 4084 0840 8408 4081 4084084084084082")
        logger.info("ids", text=str(UUID("12345678-4084-4840-8408-408140840840")), number=4084084084084081)
        logger.info("line\nbreak", text='{"event": "forged"}\n{"event": "forged"}')
        log_traceback(logger, "unexpected_error")
        with structlog.contextvars.bound_contextvars(is_rehearsal=True):
            log_traceback(logger, "rehearsed_error")
            logger.error("webhook_dead_in_rehearsal")
    logging.getLogger("gunicorn.error").info("Booting worker with pid: %s", 7)
    logging.getLogger("celery.worker").warning("Task of %s", "ada@example.com")
    logging.getLogger("httpx").info("HTTP Request: GET https://api.paystack.co/transaction")
    logging.getLogger("django.request").warning("Not Found: /nothing")
    logging.getLogger("django.request").error("Internal Server Error: /broken", exc_info=ValueError("seen"))
    logging.getLogger("anything").debug("too quiet")


def log_traceback(logger: structlog.stdlib.BoundLogger, event: str) -> None:
    try:
        int(f"{SECRET} of ada@example.com")
    except ValueError:
        logger.exception(event)


if __name__ == "__main__":
    main()
