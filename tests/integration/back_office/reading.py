"""What a page says, how many queries it costs, and what the audit log keeps."""

import re
from datetime import timedelta
from html import unescape
from typing import Any

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django.utils.html import strip_tags

from namaskah.audit.models import AuditEntry


def read(client: Client, url: str) -> str:
    """Return the words of a page as a person reads them, one blank apart."""
    page = client.get(url)
    assert page.status_code == 200, f"{url} answered {page.status_code} {page.headers.get('Location', '')}"
    return words_of(page)


def words_of(page: Any) -> str:
    """Return the words of an answer's main part, without the side bar."""
    content = re.sub(r"<(script|style)\b.*?</\1>", "", page.content.decode(), flags=re.DOTALL)
    return " ".join(unescape(strip_tags(content.replace("<", " <"))).split())


def list_offers(client: Client, url: str) -> list[str]:
    """Return what the page of a row offers to do."""
    page = client.get(url)
    assert page.status_code == 200, f"{url} answered {page.status_code}"
    return [offer.label for offer in page.context["offers"]]


def forget_proof(client: Client, minutes: int = 16) -> None:
    """Let so much time pass since whoever sits there showed who they are."""
    session = client.session
    session["proved_at"] = (timezone.now() - timedelta(minutes=minutes)).timestamp()
    session.save()


def count_queries(client: Client, url: str) -> int:
    """Return how many queries an answer takes."""
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert client.get(url).status_code == 200
    return len(queries)


def list_audit() -> list[tuple[str, str, str]]:
    """Return action, subject and outcome of what the audit log keeps beside log-ins, oldest first."""
    entries = AuditEntry.objects.exclude(action__startswith="log_in").order_by("id")
    return list(entries.values_list("action", "subject", "outcome"))
