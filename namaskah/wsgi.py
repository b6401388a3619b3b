"""The WSGI entry point that gunicorn serves."""

import os
from typing import Any

import django
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters

from namaskah.checks import refuse_faulty_start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "namaskah.settings")


class Utf8Request(WSGIRequest):
    """A request whose Content-Type can neither fail nor choose how the address is read.

    Django reads it before any middleware, so an error there is an answer that nobody shaped, and
    takes the charset for the query too, which lets half of a surrogate pair in.
    """

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
application = Handler()
