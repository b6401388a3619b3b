"""What Celery runs for forms."""

from typing import Final

import structlog
from celery import shared_task
from django.utils import timezone

from namaskah.audit import form_tokens

logger = structlog.get_logger(__name__)

PURGE_TASK: Final = "audit.purge_tokens"


@shared_task(name=PURGE_TASK, time_limit=60)
def purge_tokens() -> None:
    """Remove the tokens of forms that nobody may send any more."""
    count = form_tokens.purge_tokens(now=timezone.now())
    if count:
        logger.info("form_tokens_purged", count=count)
