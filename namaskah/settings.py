"""Settings of the project, all from the environment; `.env.example` names each with its default."""

import sys
import warnings
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import django_stubs_ext
import environ
from celery.schedules import crontab
from django.templatetags.static import static

from namaskah import redis_urls
from namaskah.environment import Environment
from namaskah.openapi import configuration

django_stubs_ext.monkeypatch()

# django-fsm announces at import that its successor is another package under another licence; we pin 3.0.1.
warnings.filterwarnings("ignore", message="The 'django-fsm' package has been integrated", category=UserWarning)

BASE_DIR = Path(__file__).resolve().parent.parent

env = Environment()
environ.Env.read_env(BASE_DIR / ".env")


def _refuse_start(error: Exception) -> None:
    sys.exit(f"namaskah: wrong setting: {error}")


try:
    DEBUG = env.bool("DEBUG", default=False)
    SAMPLE_SECRET_KEY = "change-me"  # noqa: S105 -- the start is refused with it
    SECRET_KEY = env.str("SECRET_KEY", default=SAMPLE_SECRET_KEY)
    ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1"])
    TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
    LOG_LEVEL = env.str("LOG_LEVEL", default="INFO").upper()

    DATABASE_URL = env.str("DATABASE_URL", default="")
    DIRECT_DATABASE_URL = env.str("DIRECT_DATABASE_URL", default="") or DATABASE_URL
    REDIS_URL = env.str("REDIS_URL", default="")

    PAYSTACK_SECRET_KEY = env.str("PAYSTACK_SECRET_KEY", default="")
    PAYSTACK_PREVIOUS_SECRET_KEY = env.str("PAYSTACK_PREVIOUS_SECRET_KEY", default="")
    PAYSTACK_BASE_URL = env.str("PAYSTACK_BASE_URL", default="https://api.paystack.co")
    PAYSTACK_CONNECT_TIMEOUT_SECONDS = env.float("PAYSTACK_CONNECT_TIMEOUT_SECONDS", default=5.0)
    PAYSTACK_READ_TIMEOUT_SECONDS = env.float("PAYSTACK_READ_TIMEOUT_SECONDS", default=20.0)
    GATEWAY_CONCURRENCY = env.int("GATEWAY_CONCURRENCY", default=2)
    ALLOW_TEST_KEY = env.bool("ALLOW_TEST_KEY", default=False)

    DEFAULT_CURRENCY = env.str("DEFAULT_CURRENCY", default="NGN")
    CALLBACK_ALLOWED_HOSTS = env.list("CALLBACK_ALLOWED_HOSTS", default=[])
    EXCHANGE_RATE_MAX_AGE_HOURS = env.int("EXCHANGE_RATE_MAX_AGE_HOURS", default=72)

    MANUAL_CREDIT_APPROVAL_USD = env("MANUAL_CREDIT_APPROVAL_USD", cast=Decimal, default=Decimal("50.00"))
    REFUND_APPROVAL_USD = env("REFUND_APPROVAL_USD", cast=Decimal, default=Decimal("100.00"))

    WEBHOOK_RETRY_SECONDS = env.list("WEBHOOK_RETRY_SECONDS", cast=float, default=[1.0, 2.0, 4.0])
    PAYMENT_LOCK_TIMEOUT_SECONDS = env.float("PAYMENT_LOCK_TIMEOUT_SECONDS", default=30.0)
    PAYMENT_LOCK_WAIT_SECONDS = env.float("PAYMENT_LOCK_WAIT_SECONDS", default=10.0)
    PAYMENT_LOCK_REQUEST_WAIT_SECONDS = env.float("PAYMENT_LOCK_REQUEST_WAIT_SECONDS", default=1.0)
    IDEMPOTENCY_TTL_HOURS = env.int("IDEMPOTENCY_TTL_HOURS", default=72)
    IDEMPOTENCY_LEASE_SECONDS = env.int("IDEMPOTENCY_LEASE_SECONDS", default=60)

    # Requests per minute and client; bad signatures per minute, address and process.
    RATE_LIMITS = {
        "initialize": env.int("RATE_LIMIT_INITIALIZE", default=5),
        "verify": env.int("RATE_LIMIT_VERIFY", default=10),
        "reads": env.int("RATE_LIMIT_READS", default=120),
        "writes": env.int("RATE_LIMIT_WRITES", default=60),
        "authentication": env.int("RATE_LIMIT_AUTHENTICATION", default=30),
        "signatures": env.int("RATE_LIMIT_SIGNATURES", default=60),
    }

    STAFF_SECOND_FACTOR = env.bool("STAFF_SECOND_FACTOR", default=True)

    REPORT_TIME_ZONE = env.str("REPORT_TIME_ZONE", default="Africa/Lagos")
    SECURE_SSL_REDIRECT = env.bool("SECURE_SSL_REDIRECT", default=not DEBUG)
except environ.ImproperlyConfigured as error:
    _refuse_start(error)

# The currencies that purchases can be made in, as Paystack supports them
# (https://paystack.com/docs/api/#supported-currency).
CURRENCIES = ("NGN", "GHS", "KES", "ZAR", "USD")

INSTALLED_APPS = [
    # Before the admin, whose templates it replaces.
    "unfold.apps.BasicAppConfig",
    "unfold.contrib.filters",
    "namaskah.back_office.apps.BackOfficeAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
    "axes",
    "csp",
    "rest_framework",
    "knox",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "namaskah.api_keys",
    "namaskah.audit",
    "namaskah.back_office.apps.BackOfficeConfig",
    "namaskah.idempotency",
    "namaskah.observability",
    "namaskah.openapi",
    "billing",
    "payments",
]

MIDDLEWARE = [
    "namaskah.observability.request_id.RequestIdMiddleware",
    "namaskah.observability.health.HealthMiddleware",
    "namaskah.problem_pages.ProblemMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "namaskah.audit.origins.OriginMiddleware",
    # Last, as it asks: it turns a log-in that was locked out into its page.
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "namaskah.urls"
WSGI_APPLICATION = "namaskah.wsgi.application"
APPEND_SLASH = False

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# --- Database: time-outs, so that no lock and no forgotten transaction can hold a wallet for long. ---
# They are verified at start, because a pooler drops start options.
DATABASE_TIMEOUTS = {
    "lock_timeout": "3s",
    "statement_timeout": "15s",
    "idle_in_transaction_session_timeout": "5s",
}


def _database(url: str) -> dict[str, Any]:
    configuration: dict[str, Any] = {**environ.Env.db_url_config(url)}
    options = configuration.setdefault("OPTIONS", {})
    options.setdefault("connect_timeout", 5)
    # A host that vanished is noticed after about 25 s instead of the system's two hours.
    options |= {"keepalives": 1, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
    options["tcp_user_timeout"] = 25_000
    options["options"] = " ".join(f"-c {name}={value}" for name, value in DATABASE_TIMEOUTS.items())
    return {**configuration, "CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True, "ATOMIC_REQUESTS": False}


# Without a database the management commands that need none still run; `namaskah.checks` refuses a server start.
try:
    DATABASES = {"default": _database(DATABASE_URL or "postgresql:///namaskah")}
except ValueError:
    # The error would repeat a part of the password.
    _refuse_start(ValueError("DATABASE_URL cannot be read; percent-encode special characters of the password."))
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis: short time-outs and no retries, because a frozen server must not hold a request. ---
REDIS_SOCKET_TIMEOUT_SECONDS = 0.25
_REDIS_URL = REDIS_URL or "redis://127.0.0.1:6379/0"


def _cache(database: int, *, ignore_errors: bool) -> dict[str, Any]:
    return {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": redis_urls.with_database(_REDIS_URL, database),
        "OPTIONS": {
            "SOCKET_TIMEOUT": REDIS_SOCKET_TIMEOUT_SECONDS,
            "SOCKET_CONNECT_TIMEOUT": REDIS_SOCKET_TIMEOUT_SECONDS,
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
            "IGNORE_EXCEPTIONS": ignore_errors,
            # Without greetings, each of which is a round trip before the first command of a connection.
            "CONNECTION_POOL_KWARGS": {"retry": None, "retry_on_error": [], "protocol": 2, "driver_info": None},
        },
    }


CACHES = {
    "default": _cache(0, ignore_errors=True),
    # Apart from the default, because a limit must notice that nothing was counted.
    "limits": _cache(0, ignore_errors=False),
    "locks": _cache(1, ignore_errors=False),
}
RATELIMIT_USE_CACHE = "limits"
SESSION_ENGINE = "django.contrib.sessions.backends.db"

# --- Celery: rows in Postgres are the queue of record, messages are only nudges. ---
CELERY_BROKER_URL = redis_urls.as_broker_url(redis_urls.with_database(_REDIS_URL, 2))
CELERY_TASK_IGNORE_RESULT = True
# Acknowledged before the work: a lost message costs a second, and Celery 5.7 ends the worker when a late
# acknowledgement meets a connection that was lost meanwhile.
CELERY_TASK_ACKS_LATE = False
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_TIME_LIMIT = 60
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_DB_REUSE_MAX = 10_000
CELERY_TIMEZONE = "UTC"
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# For ever: a worker that gave up during a long outage would have to be noticed and started by hand.
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {"socket_connect_timeout": 5, "socket_keepalive": True}
# An hour, not seconds: the time is absolute and by the sender's clock, and a worker whose clock is ahead
# would throw every message away. An hour of them is drained in seconds, because an empty drain costs a query.
NUDGE_EXPIRES_SECONDS = 3600
CELERY_BEAT_SCHEDULE = {
    name: {"task": task, "schedule": schedule, "options": {"expires": NUDGE_EXPIRES_SECONDS}}
    for name, task, schedule in (
        ("drain-inbox", "payments.drain_inbox", 1.0),
        ("follow-up-refunds", "payments.follow_up_refunds", 5.0),
        ("continue-replays", "payments.continue_replays", 5.0),
        ("check-payments", "payments.check_payments", 30.0),
        # Each dispute is asked about once a day, or every hour; this is how soon after that.
        ("follow-up-disputes", "payments.follow_up_disputes", 60.0),
        ("sweep-changes", "payments.sweep_changes", 300.0),
        ("report-backlog", "payments.report_backlog", 300.0),
        # By the clock: an interval begins anew with every start, and a daily deployment would come before it ends.
        ("purge-idempotency-keys", "idempotency.purge", crontab(minute="7")),
        ("purge-form-tokens", "audit.purge_tokens", crontab(minute="37")),
        ("sweep-everything", "payments.sweep_everything", crontab(hour="3", minute="17")),
    )
}

# --- API ---
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["namaskah.api_keys.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": ["namaskah.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "EXCEPTION_HANDLER": "namaskah.problem_details.exception_handler",
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
    "COERCE_DECIMAL_TO_STRING": True,
    "UPLOADED_FILES_USE_URL": False,
    # Without it `?format=xml` is a 404 on every endpoint, before anybody asks for a key.
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_SCHEMA_CLASS": "namaskah.openapi.inspector.ApiSchema",
}
SPECTACULAR_SETTINGS = configuration.SPECTACULAR_SETTINGS
DATA_UPLOAD_MAX_MEMORY_SIZE = 256 * 1024
API_BODY_MAX_BYTES = 64 * 1024

# Set before the first migration or never: the key model cannot be swapped later.
# Knox's own model is swapped out, so its migrations have nothing to make.
MIGRATION_MODULES: dict[str, str | None] = {"knox": None}
KNOX_TOKEN_MODEL = "api_keys.ApiKey"  # noqa: S105 -- a model, no secret
REST_KNOX = {"AUTH_HEADER_PREFIX": "Bearer", "TOKEN_MODEL": KNOX_TOKEN_MODEL, "TOKEN_TTL": None}

# --- Staff ---
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "django.contrib.auth.backends.ModelBackend"]
# Five wrong passwords for a name from one address, and that address waits. By both, because a name alone would let
# anybody lock a member of the staff out.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_CLIENT_IP_CALLABLE = "namaskah.back_office.log_ins.get_address"
AXES_LOCKOUT_CALLABLE = "namaskah.back_office.log_ins.show_lockout"
# The audit log tells who logged in, and who failed to.
AXES_ENABLE_ADMIN = False
AXES_DISABLE_ACCESS_LOG = True
AXES_VERBOSE = False
UNFOLD = {
    "SITE_TITLE": "Namaskah payments",
    "SITE_HEADER": "Namaskah payments",
    "SITE_SYMBOL": "payments",
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SITE_URL": None,
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("back_office/icon.svg")}
    ],
    "STYLES": [lambda _request: static("back_office/pages.css")],
    "DASHBOARD_CALLBACK": "payments.admin.dashboard.add_figures",
    "SIDEBAR": {"navigation": "namaskah.back_office.navigation.list_links"},
    "ACCOUNT": {"navigation": "namaskah.back_office.navigation.list_own_links"},
    # A green with which white text has a contrast of 5 to 1 and more.
    "COLORS": {
        "primary": {
            "50": "oklch(97.7% .016 166)",
            "100": "oklch(94.5% .04 166)",
            "200": "oklch(89% .075 166)",
            "300": "oklch(81% .105 166)",
            "400": "oklch(71% .12 166)",
            "500": "oklch(59% .115 166)",
            "600": "oklch(49% .1 166)",
            "700": "oklch(42% .085 166)",
            "800": "oklch(36% .07 166)",
            "900": "oklch(31% .058 166)",
            "950": "oklch(21% .04 166)",
        }
    },
}
OTP_TOTP_ISSUER = "Namaskah payments"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
# Of the links through which new members of the staff set one.
PASSWORD_RESET_TIMEOUT = 24 * 60 * 60
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
# From the log-in on, however busy the session is (namaskah.back_office.log_ins).
SESSION_COOKIE_AGE = 8 * 60 * 60
SESSION_COOKIE_SECURE = not DEBUG
SESSION_COOKIE_SAMESITE = "Lax"
CSRF_COOKIE_SECURE = not DEBUG
CSRF_COOKIE_HTTPONLY = True

# --- Transport ---
SECURE_HSTS_SECONDS = 0 if DEBUG else 365 * 24 * 60 * 60
SECURE_HSTS_INCLUDE_SUBDOMAINS = True
SECURE_HSTS_PRELOAD = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
# The back office's: scripts, styles and pictures of this server alone. unfold's controls are expressions in attributes,
# which its script compiles; without 'unsafe-eval' no menu opens. Pages elsewhere have stricter policies of their own.
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'none'"],
        "script-src": ["'self'", "'unsafe-eval'"],
        "style-src": ["'self'", "'unsafe-inline'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'"],
        "connect-src": ["'self'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    },
    # Answers of the API are no pages; its pages bring a stricter policy along.
    "EXCLUDE_URL_PREFIXES": ["/api/"],
}
if TRUSTED_PROXY_COUNT > 0:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")

# --- Language, time, files ---
LANGUAGE_CODE = "en"
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "static-collected"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
WHITENOISE_USE_FINDERS = True

LOGGING_CONFIG = None  # structlog sets logging up in namaskah.observability.apps
