"""Settings of the tests: the product's, on a database engine that can flush append-only tables."""

from namaskah.settings import *  # noqa: F403 -- everything but what follows
from namaskah.settings import DATABASES

DATABASES["default"]["ENGINE"] = "tests.postgres"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
PAYSTACK_SECRET_KEY = "sk_test_local_simulator_key"
PAYSTACK_PREVIOUS_SECRET_KEY = ""
CALLBACK_ALLOWED_HOSTS = ["shop.example.com"]
DEBUG = False
SECURE_SSL_REDIRECT = False
# Static files are found where they are: nothing was collected.
WHITENOISE_AUTOREFRESH = True
