"""Django settings; every value that may differ between installations comes from ``altlas.kernel.env``."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit, urlunsplit

import psycopg.conninfo
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse_lazy

from altlas.engines import conf as engines
from altlas.kernel import env
from altlas.secrets_file import read_or_create
from altlas.supervisor.conf import conf as processes

BASE_DIR = Path(__file__).resolve().parent.parent

# --- Mode -----------------------------------------------------------------------------------------------------------
ENVIRONMENT = env.choice(
    "ALTLAS_ENVIRONMENT",
    "local",
    choices=("local", "production"),
    help="`production` refuses weak keys, debugging and generated secrets, and serves behind HTTPS only.",
)
PRODUCTION = ENVIRONMENT == "production"
DEBUG = env.flag("ALTLAS_DEBUG", False, help="Django's debug pages; for developers of the product only.")
if PRODUCTION and DEBUG:
    raise ImproperlyConfigured("ALTLAS_DEBUG=1 is refused with ALTLAS_ENVIRONMENT=production; unset it.")

_given_secret_key = env.secret(
    "ALTLAS_SECRET_KEY",
    help="Signs cursors, sessions and forms; 50 random characters or more. Unset, one is made in ALTLAS_HOME "
    "(refused in production).",
)
if PRODUCTION and (len(_given_secret_key) < 50 or len(set(_given_secret_key)) < 10):
    raise ImproperlyConfigured("ALTLAS_SECRET_KEY must be 50 random characters or more in production; set it.")
DERIVED_FILES = engines.HOME.path / "derived"  # can be made again at any time
SECRET_KEY = _given_secret_key or read_or_create(engines.HOME.path / "keys" / "secret_key")

HOST = env.text("ALTLAS_HOST", "127.0.0.1", help="Address that the web process binds.")
PORT = env.integer("ALTLAS_PORT", 8000, minimum=1, maximum=65535, help="Port that the web process binds.")
ALLOWED_HOSTS = list(
    env.csv(
        "ALTLAS_ALLOWED_HOSTS",
        ("127.0.0.1", "localhost", "[::1]"),
        help="Host names this installation answers to.",
    )
)
CSRF_TRUSTED_ORIGINS = list(
    env.csv("ALTLAS_TRUSTED_ORIGINS", help="Origins (`https://host`) whose forms are accepted beside our own.")
)

# --- Apps -----------------------------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "django_prometheus",
    "unfold",
    "altlas.apps.AdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "django_celery_beat",
    "altlas.kernel",
    "authgateway",
    "orchestrator",
    "archive",
    "segmentation",
    "altlas.coordination.apps.CoordinationConfig",
    "altlas.apps.AltlasConfig",
]
MIDDLEWARE = [
    "altlas.kernel.request_id.RequestIdMiddleware",
    "altlas.kernel.unread_body.UnreadBodyMiddleware",
    "altlas.kernel.tracing.TracingMiddleware",
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "altlas.kernel.pages.SessionMiddleware",
    "altlas.console.htmx.DialogRedirectMiddleware",
    "altlas.kernel.pages.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "altlas.kernel.pages.AuthenticationMiddleware",
    "altlas.console.language.PreferredLanguageMiddleware",
    "altlas.kernel.pages.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "altlas.console.csp.AdminPolicyMiddleware",
    "altlas.kernel.problem_middleware.ProblemMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]
ROOT_URLCONF = "altlas.urls"
WSGI_APPLICATION = "altlas.wsgi.application"
APPEND_SLASH = True  # for the admin; API routes have no trailing slash and never redirect
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "altlas" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]

# --- PostgreSQL -----------------------------------------------------------------------------------------------------
_database = psycopg.conninfo.conninfo_to_dict(engines.DATABASE_URL)
WEB_PROCESSES, WEB_THREADS = processes.web_processes, processes.web_threads
DATABASES: dict[str, dict[str, Any]] = {
    "default": {
        "ENGINE": "altlas.kernel.postgresql",
        "NAME": _database.pop("dbname", "altlas"),
        "USER": _database.pop("user", ""),
        "PASSWORD": _database.pop("password", ""),
        "HOST": _database.pop("host", ""),
        "PORT": _database.pop("port", ""),
        "ATOMIC_REQUESTS": False,  # services open their own transactions; a refusal must be able to commit
        "CONN_MAX_AGE": 0,  # connections belong to the pool
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            **_database,
            "application_name": "altlas",
            "pool": {
                "min_size": env.integer(
                    "ALTLAS_DB_POOL_MIN", 1, minimum=0, help="Database connections that a process keeps open."
                ),
                "max_size": env.integer(
                    "ALTLAS_DB_POOL_MAX",
                    processes.web_threads + 2,
                    minimum=1,
                    help="Database connections that a process opens at most; further requests wait. By default one for "
                    "each of ALTLAS_WEB_THREADS and two to spare.",
                ),
                "timeout": env.seconds(
                    "ALTLAS_DB_POOL_TIMEOUT", 3, minimum=0.1, help="Longest wait for a database connection before 503."
                ),
                "max_waiting": env.integer(
                    "ALTLAS_DB_POOL_MAX_WAITING",
                    40,
                    minimum=0,
                    help="Requests that may wait for a connection before 503.",
                ),
            },
            "options": " ".join(
                f"-c {name}={value}"
                for name, value in {
                    "statement_timeout": env.integer(
                        "ALTLAS_DB_STATEMENT_TIMEOUT_MS", 15_000, minimum=0, help="Longest database statement, in ms."
                    ),
                    "lock_timeout": env.integer(
                        "ALTLAS_DB_LOCK_TIMEOUT_MS", 5_000, minimum=0, help="Longest wait for a row lock, in ms."
                    ),
                    "idle_in_transaction_session_timeout": 60_000,
                }.items()
            ),
        },
    }
}

_replica_url = env.secret(
    "DATABASE_REPLICA_URL",
    help="A streaming replica of the database, which then answers reads of the archive. Unset, the primary does.",
)
if _replica_url:
    _replica = psycopg.conninfo.conninfo_to_dict(_replica_url)
    _primary = DATABASES["default"]
    DATABASES["replica"] = {
        **_primary,
        "NAME": _replica.pop("dbname", _primary["NAME"]),
        "USER": _replica.pop("user", ""),
        "PASSWORD": _replica.pop("password", ""),
        "HOST": _replica.pop("host", ""),
        "PORT": _replica.pop("port", ""),
        "OPTIONS": {
            **_primary["OPTIONS"],
            **_replica,
            "application_name": "altlas replica reads",
            "options": _primary["OPTIONS"]["options"] + " -c default_transaction_read_only=on",
        },
        "TEST": {"MIRROR": "default"},
    }

# --- Redis ----------------------------------------------------------------------------------------------------------
REDIS_SOCKET_TIMEOUT = env.seconds(
    "ALTLAS_REDIS_TIMEOUT", 2, minimum=0.05, help="Longest wait for one answer of Redis; a hung Redis costs this much."
)
REDIS_MAX_CONNECTIONS = env.integer(
    "ALTLAS_REDIS_MAX_CONNECTIONS", 64, minimum=4, help="Redis connections per process and role."
)


def _redis_url(offset: int) -> str:
    """Return REDIS_URL with its logical database moved up by ``offset``."""
    parts = urlsplit(engines.REDIS_URL)
    if parts.scheme == "unix":
        query = parse_qs(parts.query)
        number = int(query.pop("db", ["0"])[0])
        options = urlencode({**query, "db": number + offset}, doseq=True)
        return f"unix://{parts.path}?{options}"  # urlunsplit drops the slashes of an empty authority
    number = int(parts.path.strip("/") or 0)
    return urlunsplit(parts._replace(path=f"/{number + offset}"))


REDIS_URLS = {
    role: env.secret(
        f"ALTLAS_REDIS_{role.upper()}_URL",
        _redis_url(offset),
        help=f"Redis for {what}, when it is not the one of REDIS_URL.",
    )
    for offset, (role, what) in enumerate(
        {
            "broker": "tasks and replies",
            "cache": "caches (may evict)",
            "security": "the denylist (must never evict)",
            "live": "heartbeats and cluster state",
        }.items()
    )
}
CACHES = {
    "default": {
        "BACKEND": "django_prometheus.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URLS["cache"],
        "KEY_PREFIX": "altlas",
        "OPTIONS": {
            "SOCKET_TIMEOUT": REDIS_SOCKET_TIMEOUT,
            "SOCKET_CONNECT_TIMEOUT": REDIS_SOCKET_TIMEOUT,
            "IGNORE_EXCEPTIONS": True,  # a cache that is away is a miss
        },
    },
    "security": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URLS["security"],
        "KEY_PREFIX": "altlas",
        "OPTIONS": {
            "SOCKET_TIMEOUT": REDIS_SOCKET_TIMEOUT,
            "SOCKET_CONNECT_TIMEOUT": REDIS_SOCKET_TIMEOUT,
            "IGNORE_EXCEPTIONS": False,  # true would turn an outage into "nothing is denied"
        },
    },
}
DJANGO_REDIS_LOG_IGNORED_EXCEPTIONS = True

# --- Celery ---------------------------------------------------------------------------------------------------------
_redis_broker = REDIS_URLS["broker"]
# Kombu spells a Unix socket differently from redis-py.
_redis_broker = _redis_broker.replace("unix://", "redis+socket://", 1).replace("?db=", "?virtual_host=", 1)
NODE_NAME = env.text("ALTLAS_NODE_NAME", "node-1", help="Name of this machine's node worker; unique in a cluster.")
CELERY = {
    "broker_url": env.secret(
        "ALTLAS_BROKER_URL",
        help="Where tasks are queued: `amqp://user:password@host:5672/vhost` for RabbitMQ. Unset, the Redis of "
        "ALTLAS_REDIS_BROKER_URL; replies and direct requests go over that in any case.",
    )
    or _redis_broker,
    "broker_connection_retry_on_startup": True,
    "broker_transport_options": {
        # Longer than the longest task, so that a task under way is not delivered a second time.
        "visibility_timeout": 3600,
        "socket_timeout": 10,
        "socket_connect_timeout": 2,
        # A publisher gives up quickly and answers 503; workers keep trying (broker_connection_max_retries).
        "max_retries": 1,
        "interval_start": 0,
        "interval_step": 0.1,
        "interval_max": 0.1,
    },
    "broker_connection_max_retries": None,
    "imports": ("altlas.kernel.periodic", "altlas.console.periodic"),
    "task_default_queue": "altlas",
    "task_serializer": "json",
    "accept_content": ["json"],
    "task_ignore_result": True,
    "task_acks_late": True,
    "task_reject_on_worker_lost": True,
    "task_track_started": False,
    "worker_prefetch_multiplier": 1,
    "worker_send_task_events": False,
    "worker_hijack_root_logger": False,
    "worker_redirect_stdouts": False,
    "beat_scheduler": "django_celery_beat.schedulers:DatabaseScheduler",
    "timezone": "UTC",
    "enable_utc": True,
}
DJANGO_CELERY_BEAT_TZ_AWARE = True

# --- People and tokens ----------------------------------------------------------------------------------------------
AUTH_USER_MODEL = "authgateway.User"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}", "OPTIONS": options}
    for name, options in {
        "UserAttributeSimilarityValidator": {},
        "MinimumLengthValidator": {"min_length": 12},
        "CommonPasswordValidator": {},
        "NumericPasswordValidator": {},
    }.items()
]
LOGIN_URL = reverse_lazy("admin:login")
LOGIN_REDIRECT_URL = reverse_lazy("admin:index")

# --- REST -----------------------------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["authgateway.authentication.AccessTokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["authgateway.permissions.HasScope"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["altlas.kernel.parsers.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "altlas.kernel.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "COMPACT_JSON": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "ALT_LAS",
    "DESCRIPTION": "Texts and commands into segments, an archive of results, models, and the tokens that guard them.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.0",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["authgateway.permissions.Public"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "authgateway.schema.promise_problems",
    ],
    "ENUM_NAME_OVERRIDES": {
        "RunStatus": "segmentation.statuses.CHOICES",
        "RecordStatus": "archive.statuses.CHOICES",
        "VersionStatus": "orchestrator.models.VersionStatus",
    },
}
DATA_UPLOAD_MAX_MEMORY_SIZE = env.size_bytes(
    "ALTLAS_MAX_BODY", 32 * 2**20, minimum=1024, shown="32M", help="Largest request body."
)

# --- Transport ------------------------------------------------------------------------------------------------------
SECURE_SSL_REDIRECT = PRODUCTION
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_REDIRECT_EXEMPT = [r"^livez$", r"^readyz$", r"^metrics$"]
if env.flag(
    "ALTLAS_BEHIND_PROXY",
    PRODUCTION,
    help="A proxy in front ends HTTPS and sets X-Forwarded-Proto itself; default 1 in production.",
):
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SESSION_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_SECURE = PRODUCTION
CSRF_COOKIE_HTTPONLY = True
SESSION_COOKIE_NAME = "altlas_session"
CSRF_COOKIE_NAME = "altlas_csrf"
SESSION_COOKIE_AGE = 8 * 3600
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

# --- Files, language, time ------------------------------------------------------------------------------------------
STATIC_URL = "static/"
# The web process serves the packages' own files, so that there is no collecting step to forget.
WHITENOISE_USE_FINDERS = True
WHITENOISE_MAX_AGE = 3600
STATIC_ROOT = (
    env.text("ALTLAS_STATIC_ROOT", help="Where `collectstatic` gathers files for a proxy that serves them.") or None
)
LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("tr", "Türkçe")]
LOCALE_PATHS = [BASE_DIR / "altlas" / "locale"]
TIME_ZONE = env.text("ALTLAS_TIME_ZONE", "Europe/Istanbul", help="Time zone of schedules, the admin and reports.")
USE_TZ = True
USE_I18N = True

# --- Mail -----------------------------------------------------------------------------------------------------------
EMAIL_HOST = env.text("ALTLAS_EMAIL_HOST", "localhost", help="Mail server that alerts and summaries go out through.")
EMAIL_PORT = env.integer("ALTLAS_EMAIL_PORT", 25, minimum=1, maximum=65535, help="Port of the mail server.")
EMAIL_HOST_USER = env.text("ALTLAS_EMAIL_USER", help="Account at the mail server, when it wants one.")
EMAIL_HOST_PASSWORD = env.secret("ALTLAS_EMAIL_PASSWORD", help="Password of that account.")
_email_tls = env.choice(
    "ALTLAS_EMAIL_TLS", "none", choices=("none", "starttls", "tls"), help="How the mail server is spoken to."
)
EMAIL_USE_TLS, EMAIL_USE_SSL = _email_tls == "starttls", _email_tls == "tls"
EMAIL_TIMEOUT = env.seconds("ALTLAS_EMAIL_TIMEOUT", 10, minimum=0.1, help="Longest wait for the mail server.")
DEFAULT_FROM_EMAIL = env.text("ALTLAS_EMAIL_FROM", "ALT_LAS <altlas@localhost>", help="Sender of mails.")

# --- Metrics --------------------------------------------------------------------------------------------------------
PROMETHEUS_EXPORT_MIGRATIONS = False

# --- Logs -----------------------------------------------------------------------------------------------------------
LOG_FORMAT = env.choice(
    "ALTLAS_LOG_FORMAT", "text", choices=("text", "json"), help="Shape of log lines on standard error."
)
LOG_LEVEL = env.choice(
    "ALTLAS_LOG_LEVEL", "INFO", choices=("DEBUG", "INFO", "WARNING", "ERROR"), help="Least severe level that is logged."
)
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "filters": {
        "request_id": {"()": "altlas.kernel.request_id.RequestIdFilter"},
        "context": {"()": "altlas.kernel.log_context.ContextFilter"},
    },
    "formatters": {
        "text": {
            "()": "altlas.kernel.logs.TextFormatter",
            "format": "%(asctime)s %(levelname)-7s %(name)s [%(request_id)s] %(message)s",
        },
        "json": {"()": "altlas.kernel.logs.JsonFormatter"},
    },
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": LOG_FORMAT, "filters": ["request_id", "context"]},
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {"django.server": {"handlers": [], "propagate": True}, "celery": {"level": "WARNING"}},
}

from altlas.admin_site import UNFOLD  # noqa: E402  # needs nothing of Django's registry; kept apart for its length

__all__ = ["UNFOLD"]
