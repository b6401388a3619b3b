"""The WSGI entry point that gunicorn serves."""

import os

from django.core.wsgi import get_wsgi_application

from namaskah.checks import refuse_faulty_start

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "namaskah.settings")

refuse_faulty_start()
application = get_wsgi_application()
