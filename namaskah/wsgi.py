"""The WSGI entry point that gunicorn serves."""

import os
from typing import Any

import django
from django.conf import settings
from django.core.handlers.wsgi import LimitedStream, WSGIHandler, WSGIRequest
from django.urls import get_resolver
from django.utils.http import parse_header_parameters

from namaskah.checks import refuse_faulty_start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "namaskah.settings")


class Utf8Request(WSGIRequest):
    """A request whose Content-Type can neither fail nor choose how the address is read.

    Django reads it before any middleware, so an error there is an answer that nobody shaped, and
    takes the charset for the query too, which lets half of a surrogate pair in.
    """

    def __init__(self, environ: dict[str, Any]) -> None:
        super().__init__(environ)
        if not environ.get("CONTENT_LENGTH") and environ.get("wsgi.input_terminated"):
            # Chunked, which Django takes for empty. A byte beyond the limit tells it that the body is too large.
            self._stream: Any = LimitedStream(environ["wsgi.input"], settings.DATA_UPLOAD_MAX_MEMORY_SIZE + 1)

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except ValueError:
            self.content_type, self.content_params = "", {}


class Handler(WSGIHandler):
    """Django's handler with our request."""

    request_class = Utf8Request


refuse_faulty_start()
django.setup(set_prefix=False)
# Imports every view now: the first deliveries of a new process must not wait for it.
get_resolver().check()
application = Handler()
