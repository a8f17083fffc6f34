"""Every setting of the product, one file; `docs/settings.md` is the table of what may be set from outside.

Read through `django.conf.settings`, never imported. Values come from `config.env`.
"""

import os
from pathlib import Path

from csp.constants import NONCE, NONE, SELF

from config import env

# Forged checkpoint rows must not become code (CVE-2026-28277): set before langgraph is first imported.
os.environ["LANGGRAPH_STRICT_MSGPACK"] = "true"

BASE_DIR: Path = env.BASE_DIR
VAR_DIR: Path = env.folder("COUNTERSIGN_VAR", BASE_DIR / "var")
ROLE = env.text("COUNTERSIGN_ROLE", "command")  # web | worker | beat | command

# -- the site -------------------------------------------------------------------------------------
DEBUG = env.flag("DEBUG")
DEMO = env.flag("COUNTERSIGN_DEMO")
SECRET_KEY = env.secret_key(VAR_DIR)
PUBLIC_URL = env.address("PUBLIC_URL", f"http://{env.text('HOST', '127.0.0.1')}:{env.number('PORT', 8000, low=1, high=65535)}")
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]")
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS")
SECURE = PUBLIC_URL.startswith("https://")
ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "approvals.User"

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "channels",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.socialaccount",
    "allauth.socialaccount.providers.openid_connect",
    "csp",
    "django_htmx",
    "template_partials",
    "pgtrigger",
    "ninja",
    "django_structlog",
    "rules",
    "audit",
    "approvals",
    "agents",
    "config",
]

MIDDLEWARE = [
    "config.middleware.OwnOrigin",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "config.request_log.RequestLog",
    "csp.middleware.CSPMiddleware",
    "config.middleware.RequestLimits",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "approvals.web.signed_out.SignedInOnly",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "approvals.web.sign_ins.SignIns",
    "approvals.web.live_since.LiveSince",
    "config.middleware.Doors",
]

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
                "csp.context_processors.nonce",
                "approvals.web.shell.shell",
            ],
        },
    }
]

# -- data -----------------------------------------------------------------------------------------
DATABASE_URL = env.service_url("DATABASE_URL", VAR_DIR)
# Advisory locks and LISTEN need a direct connection: set this when DATABASE_URL goes through pgbouncer.
DATABASE_DIRECT_URL = env.text("DATABASE_DIRECT_URL", DATABASE_URL)
DATABASES = {} if ROLE == "beat" else {"default": env.database(DATABASE_URL, pooled=ROLE == "web")}
REDIS_URL = env.service_url("REDIS_URL", VAR_DIR)
SHOP_DATABASE_URL = env.text("SHOP_DATABASE_URL", DATABASE_URL)
CACHES = {"default": {"BACKEND": "config.shared.SharedCache"}}  # counted by all web processes together: limits on guessing, codes used once
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 5000}}}

# -- agents ---------------------------------------------------------------------------------------
AGENT_PATHS = env.words("COUNTERSIGN_AGENTS") or [str(p) for p in sorted((BASE_DIR / "examples").glob("*/langgraph.json"))]
MODEL = env.text("COUNTERSIGN_MODEL")  # any init_chat_model name; empty: the scripted demo planner
MODEL_BASE_URL = env.text("COUNTERSIGN_MODEL_BASE_URL")
# A second model's opinion on what is proposed; it can only raise what is asked (approvals/operations/opinions.py). Empty: none is asked.
OPINION_MODEL = env.text("COUNTERSIGN_OPINION_MODEL")
OPINION_BASE_URL = env.text("COUNTERSIGN_OPINION_BASE_URL")
OPINION_TIMEOUT_S = env.number("COUNTERSIGN_OPINION_TIMEOUT_S", 15, low=1, high=120)
POLICY_FILE = env.folder("COUNTERSIGN_POLICY", BASE_DIR / "approvals" / "policy" / "policy.yaml")
PRICES = env.folder("COUNTERSIGN_PRICES", BASE_DIR / "agents" / "prices.toml")  # what model calls cost
TENANT = env.text("COUNTERSIGN_TENANT", "default")
LEASE_S = env.number("COUNTERSIGN_LEASE_S", 15, low=3, high=600)
TASK_LIMIT_S = env.number("COUNTERSIGN_TASK_LIMIT_S", 600, low=10, high=86400)
RUN_LIMIT_S = env.number("COUNTERSIGN_RUN_LIMIT_S", 300, high=30 * 86400)  # that workers drive a run; 0: no limit
# When Countersign halts by itself, until operators say otherwise on /halts/; 0: that rule is off (docs/operating.md).
AUTO_HALTS = {
    "failed_calls": env.number("COUNTERSIGN_HALT_FAILED_CALLS", 10),
    "failed_runs": env.number("COUNTERSIGN_HALT_FAILED_RUNS", 10),
    "tokens": env.number("COUNTERSIGN_HALT_TOKENS", 0, high=10**15),
    "rejected_run": env.number("COUNTERSIGN_HALT_REJECTED_RUN", 5),
    "rejected_agent": env.number("COUNTERSIGN_HALT_REJECTED_AGENT", 0),
}
WORKER_QUEUES = env.words("COUNTERSIGN_QUEUES", "runs,effects,notify")
CRASH_POINTS = env.text("COUNTERSIGN_CRASH_POINTS")  # tests only: see agents/crashpoints.py

# -- people and doors -----------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "rules.permissions.ObjectPermissionBackend",
    "django.contrib.auth.backends.ModelBackend",
    "allauth.account.auth_backends.AuthenticationBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in ("UserAttributeSimilarityValidator", "MinimumLengthValidator", "CommonPasswordValidator")
]
LOGIN_URL = "account_login"
LOGIN_REDIRECT_URL = "/"
ACCOUNT_LOGIN_METHODS = {"username", "email"}
ACCOUNT_SIGNUP_FIELDS = ["email*", "password1*"]
ACCOUNT_ADAPTER = "approvals.web.accounts.ClosedSignup"
ACCOUNT_EMAIL_VERIFICATION = "none"
# The decision ladder (docs/signing-in.md): how fresh a proof of who is there must be, and whether critical needs a passkey.
FRESH_HIGH_S = env.number("COUNTERSIGN_FRESH_HIGH_S", 3600, low=30, high=43200)
FRESH_CRITICAL_S = env.number("COUNTERSIGN_FRESH_CRITICAL_S", 300, low=30, high=43200)
FRESH_ACCOUNT_S = 600  # for changing one's own factors
CRITICAL = env.choice("COUNTERSIGN_CRITICAL", "any", ("any", "passkey"))
MFA_SUPPORTED_TYPES = ["totp", "webauthn", "recovery_codes"]
MFA_PASSKEY_LOGIN_ENABLED = True
MFA_TOTP_ISSUER = "Countersign"
MFA_ALLOW_UNVERIFIED_EMAIL = True
MFA_ADAPTER = "approvals.web.accounts.Factors"
# Single sign-on by OpenID Connect; nothing of it is there without an issuer.
OIDC_ISSUER = env.issuer("OIDC_ISSUER")
OIDC_NAME = env.text("OIDC_NAME", "single sign-on")
OIDC_GROUPS_CLAIM = env.text("OIDC_GROUPS_CLAIM", "groups")
OIDC_GROUPS = env.pairs("OIDC_GROUPS")
# Losing one's place at the provider takes effect at the next sign-in: one by single sign-on is over after so long, however busy it is.
OIDC_SESSION_S = env.number("OIDC_SESSION_S", 3600, low=300, high=43200)
SOCIALACCOUNT_ADAPTER = "approvals.web.sso.SingleSignOn"
SOCIALACCOUNT_STORE_TOKENS = False
SOCIALACCOUNT_EMAIL_REQUIRED = False
SOCIALACCOUNT_PROVIDERS = env.openid_connect(OIDC_ISSUER, OIDC_NAME)
ACCOUNT_LOGOUT_REDIRECT_URL = "/accounts/login/"
LOGIN_LINK_HOURS = env.number("LOGIN_LINK_HOURS", 12, low=1, high=168)

# -- reaching people --------------------------------------------------------------------------------
globals().update(env.mail("EMAIL_URL", VAR_DIR))  # EMAIL_BACKEND and what it needs
EMAIL_TIMEOUT = 10
DEFAULT_FROM_EMAIL = env.text("DEFAULT_FROM_EMAIL", "countersign@localhost")
MAIL_GAP_S = env.number("MAIL_GAP_S", 120, low=0, high=86400)
VAPID_PRIVATE_KEY = env.text("VAPID_PRIVATE_KEY")
# Push services a browser may name as its own; whatever else it names is not called.
PUSH_HOSTS = env.words(
    "PUSH_HOSTS", "fcm.googleapis.com,*.push.services.mozilla.com,updates.push.services.mozilla.com,*.push.apple.com,*.notify.windows.com"
)
# Slack (docs/slack.md). Nothing of it is there without a signing secret (HTTP) or an app token (Socket Mode).
SLACK_SIGNING_SECRET = env.text("SLACK_SIGNING_SECRET")
SLACK_APP_TOKEN = env.text("SLACK_APP_TOKEN")
SLACK_BOT_TOKEN = env.text("SLACK_BOT_TOKEN")
SLACK_CLIENT_ID, SLACK_CLIENT_SECRET = env.text("SLACK_CLIENT_ID"), env.text("SLACK_CLIENT_SECRET")
SLACK_TOKEN_KEYS = env.fernet_keys("SLACK_TOKEN_KEYS")
SLACK_CHANNEL = env.text("SLACK_CHANNEL")  # for what no route of the policy names
SLACK_API_URL = env.text("SLACK_API_URL", "https://slack.com/api/")
SLACK_AUTHORIZE_URL = env.text("SLACK_AUTHORIZE_URL", "https://slack.com/oauth/v2/authorize")
SLACK_TIMEOUT_S = env.number("SLACK_TIMEOUT_S", 3, low=1, high=30)
# Programs (docs/api.md): requests a minute with one key.
API_RATE = env.number("COUNTERSIGN_API_RATE", 1200, low=10)
API_RATE_STRANGERS = env.number("COUNTERSIGN_API_RATE_STRANGERS", 120, low=10)
WEBHOOK_PRIVATE = env.flag("WEBHOOK_PRIVATE")  # also post to private addresses and over http
HASTE = env.number("COUNTERSIGN_HASTE", 14, low=0, high=10_000)
BUDGET = env.number("COUNTERSIGN_BUDGET", 150, low=0, high=100_000)
# Alerts (docs/operating.md), until operators say otherwise on /alerts/.
ALERT_MAIL = env.flag("COUNTERSIGN_ALERT_MAIL", default=True)
ALERT_CHANNEL = env.text("COUNTERSIGN_ALERT_CHANNEL")  # a channel of Slack; empty: none
ALERT_AGAIN_S = env.number("COUNTERSIGN_ALERT_AGAIN_S", 3600, low=0, high=604_800)
QUALITY_BY_PERSON = env.flag("COUNTERSIGN_QUALITY_BY_PERSON")

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE
# Cookies are shared by all ports of a host: two checkouts side by side must not sign each other out.
SESSION_COOKIE_NAME = f"cs_session_{PUBLIC_URL.rsplit(':', 1)[-1].strip('/')}" if not SECURE else "cs_session"
CSRF_COOKIE_NAME = SESSION_COOKIE_NAME.replace("session", "csrf")
SESSION_COOKIE_AGE = 12 * 3600
CSRF_FAILURE_VIEW = "config.errors.csrf_failure"
SECURE_SSL_REDIRECT = SECURE and env.flag("SECURE_SSL_REDIRECT", default=True)
SECURE_HSTS_SECONDS = 31536000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if env.flag("TRUST_PROXY") else None
FORWARDED_ALLOW_IPS = env.text("FORWARDED_ALLOW_IPS")  # uvicorn reads it itself; here for `manage.py doctor`
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "manifest-src": [SELF],
        "worker-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "require-trusted-types-for": ["'script'"],
    }
}
# Arguments are at most 256 KiB (reliability.md section 2); a form that carries them needs some room.
DATA_UPLOAD_MAX_MEMORY_SIZE = 768 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
FILE_UPLOAD_MAX_MEMORY_SIZE = 768 * 1024

# -- the look -------------------------------------------------------------------------------------
LANGUAGE_CODE = "en"
USE_I18N = True
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG

# -- celery: wakes only, PostgreSQL is the queue ----------------------------------------------------
CELERY_BROKER_URL = REDIS_URL or "redis+socket:///nowhere/start-with-make-run"
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_WORKER_MAX_TASKS_PER_CHILD = 20_000
CELERY_TASK_SOFT_TIME_LIMIT = TASK_LIMIT_S
CELERY_TASK_TIME_LIMIT = TASK_LIMIT_S + 30
CELERY_TASK_DEFAULT_QUEUE = "runs"
CELERY_TASK_PUBLISH_RETRY = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_CONNECTION_MAX_RETRIES = None
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "queue_order_strategy": "priority",
    "priority_steps": [0, 3, 6, 9],
    # No acknowledgements: the rows are the queue, and a worker dies of one it sends after the broker went away (docs/adr/0011).
    "ack_emulation": False,
    # Whoever wakes a worker has a person waiting: one try, not the six seconds kombu would give an absent broker.
    **{"max_retries": 1, "interval_start": 0, "interval_step": 0, "interval_max": 0},
    "socket_connect_timeout": 1,
    "socket_timeout": 2,
}
CELERY_DB_REUSE_MAX = 100_000

# -- logs -----------------------------------------------------------------------------------------
# Services tell what they do; a command in somebody's terminal only what goes wrong.
LOG_LEVEL = env.text("LOG_LEVEL", "WARNING" if ROLE == "command" else "INFO")
LOGGING_CONFIG = "config.telemetry.configure"
LOGGING = {"version": 1}  # not empty, or Django would skip our configuration
