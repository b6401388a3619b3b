"""The description itself, and the page that shows it."""

from functools import cache
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer

from namaskah.strict_pages import find_preferred, only_reading, render_page

_JSON: Final = "application/json"
_YAML: Final = "application/yaml"


@only_reading
def show_schema(request: HttpRequest) -> HttpResponse:
    """GET /api/schema: JSON, or YAML for whoever asks for it."""
    chosen = find_preferred(request, [_JSON, _YAML]) or _JSON
    response = HttpResponse(_render(chosen), content_type=chosen)
    patch_vary_headers(response, ["Accept"])
    return response


@only_reading
def show_docs(request: HttpRequest) -> HttpResponse:
    """GET /api/docs: Swagger UI, all of it from this server."""
    return render_page(request, "api_docs/swagger.html", {})


@cache
def _render(media_type: str) -> bytes:
    """Return the description as text, made once per process: it changes with the code alone."""
    renderer: Any = OpenApiYamlRenderer() if media_type == _YAML else OpenApiJsonRenderer()
    rendered: bytes = renderer.render(SchemaGenerator().get_schema(request=None, public=True))
    return rendered
