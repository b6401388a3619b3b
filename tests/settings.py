"""Settings of the tests: the product's, on a database engine that can flush append-only tables."""

import os

from namaskah.redis_urls import as_broker_url, with_database
from namaskah.settings import *  # noqa: F403 -- everything but what follows
from namaskah.settings import CACHES, DATABASES, REDIS_URL

DATABASES["default"]["ENGINE"] = "tests.postgres"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
PAYSTACK_SECRET_KEY = "sk_test_local_simulator_key"
PAYSTACK_PREVIOUS_SECRET_KEY = ""
CALLBACK_ALLOWED_HOSTS = ["shop.example.com"]
DEBUG = False
# Tests of the second factor switch it on.
STAFF_SECOND_FACTOR = False
SECURE_SSL_REDIRECT = False
# Static files are found where they are: nothing was collected.
WHITENOISE_AUTOREFRESH = True

# Tests that run side by side share a Redis server and not its databases: each clears its own.
_FIRST = 3 * int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
CACHES["default"]["LOCATION"] = with_database(REDIS_URL, _FIRST)
CACHES["limits"]["LOCATION"] = with_database(REDIS_URL, _FIRST)
CACHES["locks"]["LOCATION"] = with_database(REDIS_URL, _FIRST + 1)
CELERY_BROKER_URL = as_broker_url(with_database(REDIS_URL, _FIRST + 2))
