"""Django's settings in sections: paths, who may connect, apps, storage, people, REST, pages, security, logs.

Every value from the environment has a working default, and an invalid one ends the process with a sentence that names
the variable (see `portal.env`). Code with effects does not belong here.
"""

import os
import re
import warnings
from datetime import timedelta
from pathlib import Path
from typing import Any

from csp.constants import NONE, SELF

from libraries.rules.net import HIDDEN
from portal import __version__, env, image_storage, lan, logs
from realtime.protocol.oversize import ANSWERED_TIMES

# --- Mode and paths ---------------------------------------------------------------------------------------

BASE_DIR = Path(__file__).resolve().parent.parent
DEBUG = env.flag("PORTAL_DEBUG", True)
# Holds db.sqlite3, secret-key, static/, images/ and uploads/; only we may access it
_nothing_to_write = bool(env.text("PORTAL_SECRET_KEY")) and env.text("DATABASE_URL").startswith("postgres")
DATA_DIR = env.folder("PORTAL_DATA_DIR", BASE_DIR / "var", needed=not _nothing_to_write)
SECRET_KEY = env.secret_key("PORTAL_SECRET_KEY", DATA_DIR / "secret-key" if DEBUG else None)
# Previous keys, while all processes change to the one above: existing sessions and news of other processes may use them
SECRET_KEY_FALLBACKS = env.old_secret_keys("PORTAL_SECRET_KEY_FALLBACKS", checked=not DEBUG)

# The path of the site on its host, such as /portal; empty at the top
PORTAL_BASE_PATH = env.base_path("PORTAL_BASE_PATH")
FORCE_SCRIPT_NAME = PORTAL_BASE_PATH or None

# --- Who may connect, and rate limits ----------------------------------------------------------------------

ALLOWED_HOSTS = env.hosts("PORTAL_ALLOWED_HOSTS", ("localhost", "127.0.0.1", "[::1]") if DEBUG else (), any_host=DEBUG)
if not ALLOWED_HOSTS:
    env.refuse("PORTAL_ALLOWED_HOSTS", "is not set: production needs the host names that people type in.")
# The hosts by which others reach a development server that listens on this address; `make run` says which it is
PORTAL_LAN_HOSTS = lan.lan_hosts(env.listens_on("PORTAL_LISTENS_ON", "127.0.0.1")) if DEBUG else []
ALLOWED_HOSTS += PORTAL_LAN_HOSTS
# Origins other than our own that may use the REST API and open a WebSocket
PORTAL_ALLOWED_ORIGINS = env.origins("PORTAL_ALLOWED_ORIGINS")
CORS_ALLOWED_ORIGINS = PORTAL_ALLOWED_ORIGINS
CORS_URLS_REGEX = r"^/api/"
CORS_ALLOW_HEADERS = ("accept", "authorization", "content-type", "if-match", "if-none-match")
CORS_EXPOSE_HEADERS = ("Allow", "ETag", "Location", "Retry-After", "WWW-Authenticate")

# Bytes of one WebSocket message; 0 means no limit
PORTAL_MAX_MESSAGE_BYTES = env.number("PORTAL_MAX_MESSAGE_BYTES", 65_536, 0, 2**31 - 1)
# Bytes that may wait for a slow client in its send buffer; 0 means no limit
PORTAL_SEND_BUFFER_BYTES = env.number("PORTAL_SEND_BUFFER_BYTES", 1_048_576, 0, 2**31 - 1)
# Quotas of a library, and of one person; 0 means no limit
PORTAL_VIEWS_PER_LIBRARY = env.number("PORTAL_VIEWS_PER_LIBRARY", 200, 0, 2**31 - 1)
PORTAL_LIBRARY_BYTES = env.number("PORTAL_LIBRARY_BYTES", 20_971_520, 0, 2**53 - 1)
PORTAL_MEMBERS_PER_LIBRARY = env.number("PORTAL_MEMBERS_PER_LIBRARY", 1_000, 0, 2**31 - 1)
PORTAL_LIBRARIES_PER_USER = env.number("PORTAL_LIBRARIES_PER_USER", 50, 0, 2**31 - 1)
PORTAL_IMAGES_PER_LIBRARY = env.number("PORTAL_IMAGES_PER_LIBRARY", 2_000, 0, 2**31 - 1)
PORTAL_LIBRARY_IMAGE_BYTES = env.number("PORTAL_LIBRARY_IMAGE_BYTES", 1_073_741_824, 0, 2**53 - 1)
PORTAL_IO_URING = env.flag("PORTAL_IO_URING", True)
# Messages of one connection per second, and the burst that it can save up
PORTAL_UPDATES_PER_SECOND = env.number("PORTAL_UPDATES_PER_SECOND", 60, 0, 1_000_000)
PORTAL_UPDATE_BURST = env.number("PORTAL_UPDATE_BURST", 120, 1, 1_000_000)
PORTAL_MESSAGES_PER_SECOND = env.number("PORTAL_MESSAGES_PER_SECOND", 30, 0, 1_000_000)
PORTAL_MESSAGE_BURST = env.number("PORTAL_MESSAGE_BURST", 60, 1, 1_000_000)
PORTAL_FRAMES_PER_SECOND = env.number("PORTAL_FRAMES_PER_SECOND", 300, 0, 1_000_000)
PORTAL_FRAME_BURST = env.number("PORTAL_FRAME_BURST", 3_000, 1, 1_000_000)
# Simultaneous connections
PORTAL_CONNECTIONS_PER_USER_AND_VIEW = env.number("PORTAL_CONNECTIONS_PER_USER_AND_VIEW", 30, 0, 1_000_000)
PORTAL_CONNECTIONS_PER_USER = env.number("PORTAL_CONNECTIONS_PER_USER", 100, 0, 1_000_000)
PORTAL_CONNECTIONS_PER_VIEW = env.number("PORTAL_CONNECTIONS_PER_VIEW", 2_000, 0, 1_000_000)
# Attempts to connect: failed ones per network, successful ones per person
PORTAL_HANDSHAKES_PER_SECOND = env.number("PORTAL_HANDSHAKES_PER_SECOND", 20, 0, 1_000_000)
PORTAL_HANDSHAKE_BURST = env.number("PORTAL_HANDSHAKE_BURST", 200, 1, 1_000_000)
PORTAL_HANDSHAKES_PER_USER = env.number("PORTAL_HANDSHAKES_PER_USER", 5, 0, 1_000_000)
PORTAL_HANDSHAKE_BURST_PER_USER = env.number("PORTAL_HANDSHAKE_BURST_PER_USER", 20, 1, 1_000_000)
# TCP connections of a network in a rush, while more come than are let in
PORTAL_CONNECTS_PER_SECOND = env.number("PORTAL_CONNECTS_PER_SECOND", 100, 0, 1_000_000)
PORTAL_CONNECT_BURST = env.number("PORTAL_CONNECT_BURST", 50, 1, 1_000_000)
# Only log what these limits would refuse
PORTAL_LIMITS_DRY_RUN = env.flag("PORTAL_LIMITS_DRY_RUN", False)
# How long a connection without a request stays open: longer than in a proxy, or the proxy uses one that has ended
PORTAL_KEEP_ALIVE_SECONDS = env.number("PORTAL_KEEP_ALIVE_SECONDS", 75, 1, 3_600)
# TCP connections of one process; 0 means as many as its limit on open files allows
PORTAL_CONNECTIONS = env.number("PORTAL_CONNECTIONS", 20_000, 0, 2**31 - 1)
# Requests that wait, and bytes of bodies; 0 means no limit
PORTAL_REQUESTS_WAITING = env.number("PORTAL_REQUESTS_WAITING", 256, 0, 1_000_000)
PORTAL_MAX_BODY_BYTES = env.number("PORTAL_MAX_BODY_BYTES", 4_194_304, 0, 2**31 - 1)
PORTAL_MAX_ANONYMOUS_BODY_BYTES = env.number("PORTAL_MAX_ANONYMOUS_BODY_BYTES", 65_536, 0, 2**31 - 1)
PORTAL_BODIES_BYTES = env.number("PORTAL_BODIES_BYTES", 67_108_864, 0, 2**40)
PORTAL_ANSWERS_BYTES = env.number("PORTAL_ANSWERS_BYTES", 67_108_864, 0, 2**40)
# Bytes of one uploaded file, and of all files that are being uploaded
PORTAL_MAX_UPLOAD_BYTES = env.number("PORTAL_MAX_UPLOAD_BYTES", 33_554_432, 0, 2**31 - 1)
PORTAL_UPLOADS_BYTES = env.number("PORTAL_UPLOADS_BYTES", 536_870_912, 0, 2**40)
# Bytes of pictures that a process keeps in memory
PORTAL_IMAGE_CACHE_BYTES = env.number("PORTAL_IMAGE_CACHE_BYTES", 33_554_432, 1_048_576, 2**40)
PORTAL_UPLOADS_DIR = DATA_DIR / "uploads"
# All of a body is read before Django gets it (portal.bodies): nothing is written to disk
FILE_UPLOAD_HANDLERS = ["django.core.files.uploadhandler.MemoryFileUploadHandler"]
FILE_UPLOAD_MAX_MEMORY_SIZE = PORTAL_MAX_BODY_BYTES or 2**31
DATA_UPLOAD_MAX_MEMORY_SIZE = PORTAL_MAX_BODY_BYTES or None
DAPHNE_WEBSOCKET_MAX_MESSAGE_SIZE = PORTAL_MAX_MESSAGE_BYTES * ANSWERED_TIMES
DAPHNE_WEBSOCKET_MAX_FRAME_SIZE = DAPHNE_WEBSOCKET_MAX_MESSAGE_SIZE
# Fields of one form: a library's form in the admin has five for each member
DATA_UPLOAD_MAX_NUMBER_FIELDS = 6_000
# Keys to hide from viewers besides the built-in ones: flag -> names
PORTAL_HIDDEN_KEYS = env.word_lists("PORTAL_HIDDEN_KEYS", tuple(HIDDEN))

# --- Apps and middleware ------------------------------------------------------------------------------------

INSTALLED_APPS = [
    "realtime",  # before staticfiles, whose runserver it replaces; Daphne is loaded only by this command
    "portal",
    "portal.pages",
    "libraries",
    "unfold.apps.BasicAppConfig",  # before the admin, whose templates it replaces
    "portal.apps.PortalAdminConfig",  # django.contrib.admin
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "channels",
    "corsheaders",
    "csp",
    "django_filters",
    "django_structlog",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "rest_framework",
]
MIDDLEWARE = [
    "portal.browser.browser_headers",
    "portal.routes.note_route",
    "django.middleware.security.SecurityMiddleware",
    "portal.health.HealthMiddleware",  # before any middleware that reads the host's name
    "portal.csp.PortalCSPMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "portal.refusals.HostMiddleware",  # the next one reads the host's name
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "portal.refusals.RefusalMiddleware",
    "portal.refusals.UnknownMiddleware",
]
ROOT_URLCONF = "portal.urls"
ASGI_APPLICATION = "portal.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
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

# --- Storage ----------------------------------------------------------------------------------------------

_database: dict[str, Any] = env.database("DATABASE_URL", DATA_DIR / "db.sqlite3")
if _database["ENGINE"] == env.SQLITE:
    # Each thread keeps its connection: the last one to close copies the whole log into the file, and opening is
    # expensive
    _database["CONN_MAX_AGE"] = None
    _database["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",  # a read and the write that depends on it are one transaction
        "timeout": 20,  # seconds to wait for another writer
        "init_command": "PRAGMA journal_mode=WAL;",  # readers do not wait for a writer
    }
    # A file, for threads to share; one per run, so that two simultaneous runs do not collide
    _database["TEST"] = {"NAME": str(DATA_DIR / f"test-{os.getpid()}.sqlite3")}
else:
    _database["CONN_MAX_AGE"] = 0  # the pool keeps connections
    _database["CONN_HEALTH_CHECKS"] = True  # and does not hand out those broken by a restart of Postgres
    # A parameter goes to Postgres as it is. Written into the statement, a state of 1 MiB is escaped, and parsed twice.
    _database.setdefault("OPTIONS", {})["server_side_binding"] = True
    # One connection for the sockets of a process and one for its requests stay open; more are opened in a rush, and
    # closed a minute after it. In seconds: the wait for a connection, and the duration of an attempt, whose pauses
    # double. The next request starts a new attempt after a short one, so a database that was unavailable is found soon
    # after it is back.
    _database["OPTIONS"]["pool"] = {
        "min_size": 2,
        "max_size": 10,
        "max_idle": 60,
        "timeout": 3,
        "reconnect_timeout": 2,
    }
DATABASES = {"default": _database}
# Database threads for sockets, and requests that are answered at once; 0 means no limit for these. Some of the pool's
# connections are for each; SQLite has one writer, and never waits for a network.
_threads = 2 if _database["ENGINE"] == env.SQLITE else 4
PORTAL_DATABASE_THREADS = env.number("PORTAL_DATABASE_THREADS", _threads, 1, 6)
PORTAL_REQUESTS_AT_ONCE = env.number("PORTAL_REQUESTS_AT_ONCE", _threads, 0, 1_000)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

_redis_urls = env.redis_urls("REDIS_URL")
CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
    "default": {
        # Based on channels_redis.pubsub: the other Redis layer drops every socket when Redis restarts
        "BACKEND": "realtime.news.bus.SignedChannelLayer",
        "CONFIG": {"hosts": _redis_urls, "prefix": "portal"},
    }
    if _redis_urls
    else {
        "BACKEND": "realtime.news.layer.MemoryChannelLayer",
        # Messages that wait in one channel: the default drops after 100. Seconds that a channel stays in a group: the
        # default forgets it after a day, and so also a process whose sockets stay longer.
        "CONFIG": {"capacity": 10_000, "group_expiry": 10 * 365 * 86_400},
    }
}

# --- People -----------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "libraries.User"
AUTHENTICATION_BACKENDS = ["libraries.services.logins.LimitedBackend"]
PASSWORD_HASHERS = ["libraries.passwords.Argon2", "libraries.passwords.PBKDF2"]
# Processes that share this machine's cores: it limits how many passwords one of them hashes at once
PORTAL_WORKERS = env.number("PORTAL_WORKERS", 1, 1, 1_024)
_VALIDATORS = "django.contrib.auth.password_validation"
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"{_VALIDATORS}.UserAttributeSimilarityValidator"},
    {"NAME": f"{_VALIDATORS}.MinimumLengthValidator"},
    {"NAME": f"{_VALIDATORS}.CommonPasswordValidator"},
    {"NAME": f"{_VALIDATORS}.NumericPasswordValidator"},
]
# Failed log-ins for one account from one network, and all log-ins of one network; 0 means no limit
PORTAL_LOGIN_ATTEMPTS = env.number("PORTAL_LOGIN_ATTEMPTS", 10, 0, 1_000_000)
PORTAL_LOGINS_PER_MINUTE = env.number("PORTAL_LOGINS_PER_MINUTE", 300, 0, 1_000_000)
# The mail server: smtp+tls://user:password@host:587, or smtps://…:465, or smtp://… without TLS. Without a server, mail
# is printed in development, and in production it is not sent, which is logged.
_mail = env.mail("PORTAL_SMTP_URL")
PORTAL_SENDS_MAIL = bool(_mail)
_django_mail = "django.core.mail.backends"
_no_server = f"{_django_mail}.console.EmailBackend" if DEBUG else "libraries.mail.NoServer"
EMAIL_BACKEND = f"{_django_mail}.smtp.EmailBackend" if _mail else _no_server
EMAIL_HOST, EMAIL_PORT = _mail.get("EMAIL_HOST", ""), _mail.get("EMAIL_PORT", 25)
EMAIL_HOST_USER, EMAIL_HOST_PASSWORD = _mail.get("EMAIL_HOST_USER", ""), _mail.get("EMAIL_HOST_PASSWORD", "")
EMAIL_USE_TLS, EMAIL_USE_SSL = _mail.get("EMAIL_USE_TLS", False), _mail.get("EMAIL_USE_SSL", False)
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = SERVER_EMAIL = env.mail_from("PORTAL_MAIL_FROM", needed=PORTAL_SENDS_MAIL)
# How long a link to reset a password, or to verify an address, is good
PASSWORD_RESET_TIMEOUT = 60 * 60
# A header set by the client must not choose the address; the server (uvicorn) reads a proxy's header
IPWARE_META_PRECEDENCE_ORDER = ("REMOTE_ADDR",)

# --- REST -------------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "libraries.api.authentication.BearerAuthentication",
        "libraries.api.authentication.PageAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["libraries.api.bodies.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["libraries.api.bodies.JSONParser"],
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_PAGINATION_CLASS": "libraries.api.pagination.Pages",
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "libraries.api.errors.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}
# The maximum clock difference of the machines that issue and read tokens
PORTAL_CLOCK_LEEWAY_SECONDS = env.number("PORTAL_CLOCK_LEEWAY_SECONDS", 10, 0, 300)
SIMPLE_JWT = {
    "LEEWAY": PORTAL_CLOCK_LEEWAY_SECONDS,
    "ACCESS_TOKEN_LIFETIME": timedelta(minutes=env.number("PORTAL_ACCESS_TOKEN_MINUTES", 60, 1, 525_600)),
    "REFRESH_TOKEN_LIFETIME": timedelta(days=env.number("PORTAL_REFRESH_TOKEN_DAYS", 14, 1, 3_650)),
}
# The `iss` of tokens: two sites whose tokens reach the same clients may want different ones
PORTAL_ISSUER = env.text("PORTAL_ISSUER", "portal")
SPECTACULAR_SETTINGS = {
    "SERVE_AUTHENTICATION": [],  # public, also with an expired token
    "TITLE": "Portal",
    "DESCRIPTION": "Libraries, their members and their portal views. Live changes travel over the WebSocket.",
    "VERSION": __version__,
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "CAMELIZE_NAMES": True,
    "SCHEMA_PATH_PREFIX": "/api",
    "POSTPROCESSING_HOOKS": ["drf_spectacular.hooks.postprocess_schema_enums", "libraries.api.hooks.complete"],
    "SERVERS": [{"url": PORTAL_BASE_PATH or "/"}],
    "ENUM_NAME_OVERRIDES": {
        "Role": "libraries.rules.roles.Role",
        "PortalRole": "libraries.rules.roles.PortalRole",
        "HealthDisplay": "libraries.rules.state.HEALTH_DISPLAYS",
        "InvitationState": "libraries.api.invitation_serializers.INVITATION_STATES",
        "ScreenState": "libraries.api.codes.SCREEN_STATES",
    },
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
}

# --- Language and static files ----------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]  # of the pages (`portal.pages.language`)
TIME_ZONE = "UTC"
USE_TZ = True

STATIC_URL = f"{PORTAL_BASE_PATH}/static/"
STATIC_ROOT = DATA_DIR / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "portal.static_storage.ManifestStorage"
    },
    # Pictures: in the data folder, or in a bucket of a service that speaks S3
    "images": image_storage.storage(
        DATA_DIR / "images",
        bucket=image_storage.bucket("PORTAL_S3_BUCKET"),
        endpoint=image_storage.endpoint("PORTAL_S3_ENDPOINT"),
        region=image_storage.region("PORTAL_S3_REGION", "us-east-1"),
        access_key=image_storage.key("PORTAL_S3_ACCESS_KEY"),
        secret_key=image_storage.key("PORTAL_S3_SECRET_KEY"),
        prefix=image_storage.prefix("PORTAL_S3_PREFIX"),
    ),
}
WHITENOISE_USE_FINDERS = DEBUG  # development needs no collectstatic
WHITENOISE_AUTOREFRESH = DEBUG
# WhiteNoise hands files over in blocks that Django reads in a thread, as intended
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")

# --- The admin --------------------------------------------------------------------------------------------

LOGIN_URL = "pages:login"
LOGIN_REDIRECT_URL = "admin:index"
UNFOLD = {
    "SITE_TITLE": "Portal",
    "SITE_HEADER": "Portal",
    "SITE_SUBHEADER": "What an audience sees",
    "SITE_SYMBOL": "cast",
    "SITE_URL": f"{PORTAL_BASE_PATH}/",
    "SHOW_VIEW_ON_SITE": False,
}

# --- Browser security ---------------------------------------------------------------------------------------

# Whether people reach this site over https, directly or through a proxy
_HTTPS = env.flag("PORTAL_HTTPS", not DEBUG)
SECURE_SSL_REDIRECT = _HTTPS
_HEALTH = re.escape(f"{PORTAL_BASE_PATH}/api/health".lstrip("/"))
SECURE_REDIRECT_EXEMPT = [rf"^{_HEALTH}(/ready)?/?$"]  # clients of these are on our side of the proxy
# Over https a prefix has browsers refuse a cookie that another site of the same domain, or one without https, has set
# (RFC 6265bis, section 4.1.3). `__Host-` is only possible at the top of a host.
PORTAL_COOKIE_PREFIX = ("__Secure-" if PORTAL_BASE_PATH else "__Host-") if _HTTPS else ""
SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = f"{PORTAL_COOKIE_PREFIX}sessionid", f"{PORTAL_COOKIE_PREFIX}csrftoken"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = f"{PORTAL_BASE_PATH}/"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = _HTTPS
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True  # pages have the CSRF token in their forms
CSRF_FAILURE_VIEW = "portal.pages.errors.foreign_form"
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"  # not Strict: people come from links in mail
LANGUAGE_COOKIE_NAME, LANGUAGE_COOKIE_PATH = f"{PORTAL_COOKIE_PREFIX}language", SESSION_COOKIE_PATH
LANGUAGE_COOKIE_AGE, LANGUAGE_COOKIE_SECURE = 365 * 86_400, _HTTPS
SECURE_HSTS_SECONDS = env.number("PORTAL_HSTS_SECONDS", 31_536_000, 0, 2**31 - 1) if _HTTPS else 0
# We do not know whether we may speak for the sub-domains and the browsers' preload list
SILENCED_SYSTEM_CHECKS = ["security.W005", "security.W021"]
# Only for a proxy that sets X-Forwarded-Proto and X-Forwarded-For itself: a client could forge them
PORTAL_BEHIND_PROXY = env.flag("PORTAL_BEHIND_PROXY", False)
# Where such a proxy connects from; `*` if nothing else can reach us
PORTAL_PROXY_ADDRESSES = env.networks("PORTAL_PROXY_ADDRESSES", ("127.0.0.1", "::1"))
# Anybody can send X-Forwarded-Proto: the server checks the sender, and tells Django (and the sockets) the scheme
SECURE_PROXY_SSL_HEADER = None
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"  # and none from a page whose address has a secret (`portal.browser`)
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "font-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "media-src": [SELF, "blob:"],
        "connect-src": [SELF],  # of the same host, including ws and wss
        "manifest-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# Where else the pictures may be that pages for viewers show, because controllers may choose them
PORTAL_IMAGE_SOURCES = env.sources("PORTAL_IMAGE_SOURCES", ("https:",))
# --- Metrics ----------------------------------------------------------------------------------------------

# Who may read /metrics: clients with the token, and clients at these addresses. Without both nobody may.
PORTAL_METRICS_TOKEN = env.token("PORTAL_METRICS_TOKEN", least=16)
PORTAL_METRICS_ADDRESSES = env.networks("PORTAL_METRICS_ADDRESSES", ())
# A port that has only that page; 0 is the port of the site
PORTAL_METRICS_PORT = env.number("PORTAL_METRICS_PORT", 0, 0, 65_535)
if PORTAL_METRICS_PORT and not PORTAL_METRICS_TOKEN and not PORTAL_METRICS_ADDRESSES:
    env.refuse("PORTAL_METRICS_PORT", "needs PORTAL_METRICS_TOKEN or PORTAL_METRICS_ADDRESSES, which say who may read.")

# --- Logs -------------------------------------------------------------------------------------------------

LOGGING = logs.configure(
    level=env.choice("PORTAL_LOG_LEVEL", "INFO", ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")),
    as_json=env.flag("PORTAL_LOG_JSON", not DEBUG),
)
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = 10  # DEBUG: the record at the end of a request has everything
