"""Settings from the environment: working defaults, and one sentence for every bad value."""

import base64
import json
import os
import secrets
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from portal.env import SECRET_KEY_LENGTH
from portal.private import weakness

ROOT = Path(__file__).resolve().parents[2]
KEY = "uYb2-Qm9xL0sVd7TfKz3_hNwC8aRj5PgE1oGtJ6iXlWvBn4SyMk"
PRODUCTION = {
    "PORTAL_DEBUG": "false",
    "PORTAL_SECRET_KEY": KEY,
    "PORTAL_ALLOWED_HOSTS": "portal.example.org",
}
SHOW = """
import json, sys
import portal.settings as settings
print(json.dumps({name: getattr(settings, name) for name in sys.argv[1:]}, default=str))
"""


def load(tmp_path: Path, variables: dict[str, str], *names: str) -> subprocess.CompletedProcess[str]:
    """Load the settings in a separate process, with nothing else in its environment."""
    environment = {"PATH": os.environ["PATH"], "PORTAL_DATA_DIR": str(tmp_path / "var"), **variables}
    return subprocess.run(
        [sys.executable, "-c", SHOW, *names],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def read(tmp_path: Path, variables: dict[str, str], *names: str) -> dict[str, Any]:
    """The named settings with these variables."""
    process = load(tmp_path, variables, *names)
    assert process.returncode == 0, process.stderr
    found: dict[str, Any] = json.loads(process.stdout)
    return found


def test_defaults_work_and_are_for_development(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        {},
        "DEBUG",
        "DATABASES",
        "CHANNEL_LAYERS",
        "ALLOWED_HOSTS",
        "SECURE_SSL_REDIRECT",
        "SECRET_KEY",
    )
    assert found["DEBUG"] is True
    assert found["DATABASES"]["default"]["NAME"] == str(tmp_path / "var" / "db.sqlite3")
    assert found["DATABASES"]["default"]["TEST"]["NAME"] != found["DATABASES"]["default"]["NAME"]
    assert found["CHANNEL_LAYERS"]["default"]["BACKEND"] == "realtime.news.layer.MemoryChannelLayer"
    assert "127.0.0.1" in found["ALLOWED_HOSTS"]
    assert found["SECURE_SSL_REDIRECT"] is False
    assert len(found["SECRET_KEY"]) >= 50


def test_only_a_development_server_allows_the_addresses_of_its_machine(tmp_path: Path) -> None:
    here = read(tmp_path, {"PORTAL_LISTENS_ON": "192.0.2.77"}, "ALLOWED_HOSTS", "PORTAL_LAN_HOSTS")
    assert here == {
        "ALLOWED_HOSTS": ["localhost", "127.0.0.1", "[::1]", "192.0.2.77"],
        "PORTAL_LAN_HOSTS": ["192.0.2.77"],
    }
    there = read(tmp_path, {**PRODUCTION, "PORTAL_LISTENS_ON": "192.0.2.77"}, "ALLOWED_HOSTS", "PORTAL_LAN_HOSTS")
    assert there == {"ALLOWED_HOSTS": ["portal.example.org"], "PORTAL_LAN_HOSTS": []}


def test_the_generated_key_is_kept_and_private(tmp_path: Path) -> None:
    first = read(tmp_path, {}, "SECRET_KEY")
    assert read(tmp_path, {}, "SECRET_KEY") == first
    file = tmp_path / "var" / "secret-key"
    assert file.read_text() == first["SECRET_KEY"]
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(file.parent.iterdir()) == [file]


def test_a_given_key_has_priority_and_is_not_stored(tmp_path: Path) -> None:
    assert read(tmp_path, {"PORTAL_SECRET_KEY": "mine"}, "SECRET_KEY") == {"SECRET_KEY": "mine"}
    assert not (tmp_path / "var" / "secret-key").exists()


def test_a_key_may_come_from_a_file(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text(KEY + "\n")
    found = read(tmp_path, {"PORTAL_SECRET_KEY_FILE": str(secret)}, "SECRET_KEY")
    assert found == {"SECRET_KEY": KEY}


def test_processes_that_start_together_use_the_same_key(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "PORTAL_DATA_DIR": str(tmp_path)}
    command = [sys.executable, "-c", SHOW, "SECRET_KEY"]
    started = [
        subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(4)
    ]
    assert len({process.communicate(timeout=60)[0] for process in started}) == 1


def test_production_is_strict(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        PRODUCTION,
        *("DEBUG", "ALLOWED_HOSTS", "SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE"),
        *("SECURE_HSTS_SECONDS", "SECURE_PROXY_SSL_HEADER", "STORAGES"),
    )
    assert found["DEBUG"] is False
    assert found["ALLOWED_HOSTS"] == ["portal.example.org"]
    assert found["SECURE_SSL_REDIRECT"]
    assert found["SESSION_COOKIE_SECURE"]
    assert found["CSRF_COOKIE_SECURE"]
    assert found["SECURE_HSTS_SECONDS"] > 0
    assert found["SECURE_PROXY_SSL_HEADER"] is None
    assert "Manifest" in found["STORAGES"]["staticfiles"]["BACKEND"]


def test_sources_of_pictures(tmp_path: Path) -> None:
    for given, meant in (
        ("", ["https:"]),
        ("none", []),
        (
            "https://img.example.org, https://*.example.net:8443/a",
            ["https://img.example.org", "https://*.example.net:8443/a"],
        ),
    ):
        assert read(tmp_path, {"PORTAL_IMAGE_SOURCES": given}, "PORTAL_IMAGE_SOURCES")["PORTAL_IMAGE_SOURCES"] == meant


def test_production_over_plain_http(tmp_path: Path) -> None:
    names = ("SECURE_SSL_REDIRECT", "SESSION_COOKIE_SECURE", "SECURE_HSTS_SECONDS")
    assert not any(read(tmp_path, {**PRODUCTION, "PORTAL_HTTPS": "false"}, *names).values())


@pytest.mark.parametrize(
    ("more", "prefix", "path"),
    [
        ({}, "__Host-", "/"),
        ({"PORTAL_BASE_PATH": "/portal"}, "__Secure-", "/portal/"),
        ({"PORTAL_HTTPS": "false"}, "", "/"),
        ({"PORTAL_HTTPS": "false", "PORTAL_BASE_PATH": "/portal"}, "", "/portal/"),
    ],
)
def test_cookies_have_the_prefix_that_their_path_allows(
    tmp_path: Path, more: dict[str, str], prefix: str, path: str
) -> None:
    """`__Host-` needs https and the path `/`, `__Secure-` needs https (RFC 6265bis, section 4.1.3)."""
    names = ("NAME", "PATH", "SECURE", "HTTPONLY", "SAMESITE")
    keys = [f"{kind}_COOKIE_{name}" for kind in ("SESSION", "CSRF") for name in names]
    found = read(tmp_path, {**PRODUCTION, **more}, *keys)
    rest = [path, bool(prefix), True, "Lax"]
    assert list(found.values()) == [f"{prefix}sessionid", *rest, f"{prefix}csrftoken", *rest]


def test_a_configured_proxy_is_trusted(tmp_path: Path) -> None:
    """By the server, which knows the sender (`test_proxies`); Django would trust anybody."""
    found = read(tmp_path, {"PORTAL_BEHIND_PROXY": "1"}, "PORTAL_BEHIND_PROXY", "SECURE_PROXY_SSL_HEADER")
    assert found == {"PORTAL_BEHIND_PROXY": True, "SECURE_PROXY_SSL_HEADER": None}


def test_postgres_has_a_pool(tmp_path: Path) -> None:
    url = "postgres://portal:p%40ss@db:5433/portal?sslmode=require"
    database = read(tmp_path, {"DATABASE_URL": url}, "DATABASES")["DATABASES"]["default"]
    assert database["ENGINE"] == "django.db.backends.postgresql"
    assert (database["HOST"], database["PORT"], database["NAME"]) == ("db", 5433, "portal")
    assert (database["USER"], database["PASSWORD"]) == ("portal", "p@ss")
    assert database["OPTIONS"]["sslmode"] == "require"
    assert database["OPTIONS"]["pool"]
    assert database["CONN_MAX_AGE"] == 0


def test_sqlite_locks_before_it_reads(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/other.sqlite3"
    database = read(tmp_path, {"DATABASE_URL": url}, "DATABASES")["DATABASES"]["default"]
    assert database["NAME"] == f"{tmp_path}/other.sqlite3"
    assert database["OPTIONS"]["transaction_mode"] == "IMMEDIATE"
    assert "journal_mode=WAL" in database["OPTIONS"]["init_command"]


def test_redis_is_the_channel_layer(tmp_path: Path) -> None:
    urls = "redis://one:6379/0, rediss://user:word@two/1"
    layer = read(tmp_path, {"REDIS_URL": urls}, "CHANNEL_LAYERS")["CHANNEL_LAYERS"]["default"]
    assert layer["BACKEND"] == "realtime.news.bus.SignedChannelLayer"
    assert layer["CONFIG"]["hosts"] == ["redis://one:6379/0", "rediss://user:word@two/1"]


def test_lists_and_limits(tmp_path: Path) -> None:
    variables = {
        "PORTAL_ALLOWED_ORIGINS": "https://Table.example.org:8443, http://localhost:5173, https://a.example:443, http://b.example:80",
        "PORTAL_HIDDEN_KEYS": '{"showHealth": ["wounds"], "always": ["plot"]}',
        "PORTAL_MAX_MESSAGE_BYTES": "1000",
        "PORTAL_PROXY_ADDRESSES": "10.0.0.5, 10.1.0.0/16",
        "PORTAL_LOG_LEVEL": "warning",
        "PORTAL_LOGIN_ATTEMPTS": "",
    }
    names = (
        "CORS_ALLOWED_ORIGINS",
        "PORTAL_HIDDEN_KEYS",
        "PORTAL_PROXY_ADDRESSES",
        "DAPHNE_WEBSOCKET_MAX_MESSAGE_SIZE",
        "PORTAL_LOGIN_ATTEMPTS",
    )
    assert read(tmp_path, variables, *names) == {
        "CORS_ALLOWED_ORIGINS": [
            *("https://table.example.org:8443", "http://localhost:5173", "https://a.example", "http://b.example")
        ],
        "PORTAL_HIDDEN_KEYS": {"showHealth": ["wounds"], "always": ["plot"]},
        "PORTAL_PROXY_ADDRESSES": ["10.0.0.5", "10.1.0.0/16"],
        "DAPHNE_WEBSOCKET_MAX_MESSAGE_SIZE": 4000,
        "PORTAL_LOGIN_ATTEMPTS": 10,
    }


def test_small_files_and_bodies_stay_in_memory(tmp_path: Path) -> None:
    names = ("FILE_UPLOAD_MAX_MEMORY_SIZE", "DATA_UPLOAD_MAX_MEMORY_SIZE", "FILE_UPLOAD_HANDLERS")
    found = read(tmp_path, {"PORTAL_MAX_BODY_BYTES": "10000000"}, *names)
    assert found["FILE_UPLOAD_MAX_MEMORY_SIZE"] == found["DATA_UPLOAD_MAX_MEMORY_SIZE"] == 10_000_000
    assert not any("Temporary" in handler for handler in found["FILE_UPLOAD_HANDLERS"])
    unlimited = read(tmp_path, {"PORTAL_MAX_BODY_BYTES": "0"}, *names)
    assert unlimited["DATA_UPLOAD_MAX_MEMORY_SIZE"] is None


MAIL = (
    *("EMAIL_BACKEND", "EMAIL_HOST", "EMAIL_PORT", "EMAIL_HOST_USER", "EMAIL_HOST_PASSWORD", "EMAIL_USE_TLS"),
    *("EMAIL_USE_SSL", "DEFAULT_FROM_EMAIL"),
)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("smtp+tls://user%40here:p%40ss@mail.example.org", ("mail.example.org", 587, "user@here", "p@ss", True, False)),
        ("smtp+tls://mail.example.org:2525/", ("mail.example.org", 2525, "", "", True, False)),
        ("smtps://user:word@mail.example.org", ("mail.example.org", 465, "user", "word", False, True)),
        ("smtp://127.0.0.1", ("127.0.0.1", 25, "", "", False, False)),
    ],
)
def test_a_mail_server(tmp_path: Path, url: str, found: tuple[Any, ...]) -> None:
    sender = "Portal <portal@example.org>"
    variables = {**PRODUCTION, "PORTAL_SMTP_URL": url, "PORTAL_MAIL_FROM": sender}
    backend = "django.core.mail.backends.smtp.EmailBackend"
    expected = dict(zip(MAIL, (backend, *found, sender), strict=True))
    assert read(tmp_path, variables, *MAIL, "PORTAL_SENDS_MAIL") == {**expected, "PORTAL_SENDS_MAIL": True}


def test_without_a_mail_server_mail_is_printed_in_development_only(tmp_path: Path) -> None:
    names = ("EMAIL_BACKEND", "PORTAL_SENDS_MAIL", "DEFAULT_FROM_EMAIL")
    development, production = read(tmp_path, {}, *names), read(tmp_path, PRODUCTION, *names)
    assert development["EMAIL_BACKEND"] == "django.core.mail.backends.console.EmailBackend"
    assert production["EMAIL_BACKEND"] == "libraries.mail.NoServer"
    assert development["DEFAULT_FROM_EMAIL"] == "portal@localhost"
    assert not production["PORTAL_SENDS_MAIL"]


def test_mail_needs_an_address_that_it_is_from(tmp_path: Path) -> None:
    process = load(tmp_path, {"PORTAL_SMTP_URL": "smtps://user:hidden-word@mail.example.org"})
    assert process.returncode == 1
    assert process.stderr.startswith("PORTAL_MAIL_FROM is not set")
    bad = load(tmp_path, {"PORTAL_SMTP_URL": "smtps://user:hidden-word@mail.example.org:port"})
    assert "hidden-word" not in process.stderr + bad.stderr


S3 = {
    "PORTAL_S3_BUCKET": "portal-pictures",
    "PORTAL_S3_ACCESS_KEY": "AKIAEXAMPLE",
    "PORTAL_S3_SECRET_KEY": "hidden/word+",
}


def test_pictures_are_in_the_data_folder(tmp_path: Path) -> None:
    found = read(tmp_path, {"PORTAL_S3_REGION": "eu-central-1"}, "STORAGES")["STORAGES"]["images"]
    location = {"location": str(tmp_path / "var" / "images")}
    assert found == {"BACKEND": "libraries.image_files.folder.Folder", "OPTIONS": location}


def test_pictures_are_in_a_bucket(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("hidden/word+\n")
    more = {"PORTAL_S3_ENDPOINT": "https://s3.example.org:9000/", "PORTAL_S3_PREFIX": "/portal/pictures/"}
    variables = {**S3, **more, "PORTAL_S3_SECRET_KEY": "", "PORTAL_S3_SECRET_KEY_FILE": str(secret)}
    found = read(tmp_path, variables, "STORAGES")["STORAGES"]["images"]
    assert found == {
        "BACKEND": "libraries.image_files.bucket.Bucket",
        "OPTIONS": {
            "bucket_name": "portal-pictures",
            "location": "portal/pictures",
            "region_name": "us-east-1",
            "access_key": "AKIAEXAMPLE",
            "secret_key": "hidden/word+",
            "endpoint_url": "https://s3.example.org:9000",
            "addressing_style": "path",
        },
    }
    amazon = read(tmp_path, S3, "STORAGES")["STORAGES"]["images"]["OPTIONS"]
    assert (amazon["endpoint_url"], amazon["addressing_style"]) == (None, "auto")


@pytest.mark.parametrize("missing", S3)
def test_a_bucket_needs_its_keys(tmp_path: Path, missing: str) -> None:
    process = load(tmp_path, {**S3, missing: ""})
    assert process.returncode == 1
    assert process.stderr.startswith(f"{missing} is not set: it is needed with PORTAL_S3_")
    assert process.stderr.count("\n") == 1
    assert "hidden" not in process.stderr


def test_a_bucket_needs_packages(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "PORTAL_DATA_DIR": str(tmp_path / "var"), **S3}
    hide = "import importlib.util as u; f = u.find_spec; u.find_spec = lambda n, *a: None if n == 'boto3' else f(n, *a)"
    command = [sys.executable, "-c", f"{hide}\n{SHOW}", "STORAGES"]
    process = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert process.stderr.startswith("PORTAL_S3_BUCKET needs the packages of requirements-s3.txt")


BAD = [
    ("PORTAL_DEBUG", "maybe"),
    ("PORTAL_HTTPS", "2"),
    ("PORTAL_BEHIND_PROXY", "nginx"),
    ("PORTAL_IO_URING", "maybe"),
    ("PORTAL_LOG_JSON", "json"),
    ("PORTAL_LOG_LEVEL", "LOUD"),
    ("PORTAL_ACCESS_TOKEN_MINUTES", "0"),
    ("PORTAL_ACCESS_TOKEN_MINUTES", "an hour"),
    ("PORTAL_REFRESH_TOKEN_DAYS", "-1"),
    ("PORTAL_MAX_MESSAGE_BYTES", "64k"),
    ("PORTAL_MAX_MESSAGE_BYTES", "-1"),
    ("PORTAL_UPDATES_PER_SECOND", "-1"),
    ("PORTAL_UPDATE_BURST", "0"),
    ("PORTAL_MESSAGES_PER_SECOND", "fast"),
    ("PORTAL_MESSAGE_BURST", "0"),
    ("PORTAL_FRAMES_PER_SECOND", "1e3"),
    ("PORTAL_FRAME_BURST", "0"),
    ("PORTAL_CONNECTIONS_PER_USER_AND_VIEW", "-1"),
    ("PORTAL_CONNECTIONS_PER_USER", "many"),
    ("PORTAL_CONNECTIONS_PER_VIEW", "2k"),
    ("PORTAL_HANDSHAKES_PER_SECOND", "-5"),
    ("PORTAL_HANDSHAKE_BURST", "0"),
    ("PORTAL_HANDSHAKES_PER_USER", "x"),
    ("PORTAL_HANDSHAKE_BURST_PER_USER", "0"),
    ("PORTAL_LIMITS_DRY_RUN", "perhaps"),
    ("PORTAL_DATABASE_THREADS", "0"),
    ("PORTAL_CONNECTIONS", "-1"),
    ("PORTAL_REQUESTS_AT_ONCE", "all"),
    ("PORTAL_REQUESTS_WAITING", "-1"),
    ("PORTAL_MAX_BODY_BYTES", "4M"),
    ("PORTAL_MAX_ANONYMOUS_BODY_BYTES", "-1"),
    ("PORTAL_BODIES_BYTES", "64 MiB"),
    ("PORTAL_ANSWERS_BYTES", "some"),
    ("PORTAL_VIEWS_PER_LIBRARY", "many"),
    ("PORTAL_LIBRARY_BYTES", "20MiB"),
    ("PORTAL_MEMBERS_PER_LIBRARY", "-1"),
    ("PORTAL_LIBRARIES_PER_USER", "1.5"),
    ("PORTAL_LOGIN_ATTEMPTS", "1.5"),
    ("PORTAL_LOGIN_ATTEMPTS", "9" * 5000),
    ("PORTAL_LOGIN_ATTEMPTS", "-1"),
    ("PORTAL_LOGINS_PER_MINUTE", "many"),
    ("PORTAL_WORKERS", "0"),
    ("PORTAL_SMTP_URL", "mail.example.org:587"),
    ("PORTAL_SMTP_URL", "http://mail.example.org"),
    ("PORTAL_SMTP_URL", "smtp://"),
    ("PORTAL_SMTP_URL", "smtps://user:pass/word@mail.example.org"),
    ("PORTAL_SMTP_URL", "smtps://mail.example.org:port"),
    ("PORTAL_SMTP_URL", "smtps://mail.example.org/box"),
    ("PORTAL_SMTP_URL", "smtps://mail.example.org?tls=1"),
    ("PORTAL_MAIL_FROM", "portal"),
    ("PORTAL_MAIL_FROM", "portal@example.org, other@example.org"),
    ("PORTAL_MAIL_FROM", "Portal portal@example.org"),
    ("PORTAL_ALLOWED_HOSTS", "https://portal.example.org"),
    ("PORTAL_ALLOWED_HOSTS", "portal.example.org:8000"),
    ("PORTAL_LISTENS_ON", "http://0.0.0.0"),
    ("PORTAL_LISTENS_ON", "0.0.0.0 and more"),
    ("PORTAL_ALLOWED_ORIGINS", "table.example.org"),
    ("PORTAL_ALLOWED_ORIGINS", "https://table.example.org/"),
    ("PORTAL_ALLOWED_ORIGINS", "https://user@table.example.org"),
    ("PORTAL_ALLOWED_ORIGINS", "https://table.example.org:99999999"),
    ("PORTAL_ALLOWED_ORIGINS", "*"),
    ("PORTAL_IMAGE_SOURCES", "img.example.org"),
    ("PORTAL_IMAGE_SOURCES", "https://img.example.org; script-src *"),
    ("PORTAL_IMAGE_SOURCES", "https:, none"),
    ("PORTAL_IMAGE_SOURCES", "*"),
    ("PORTAL_IMAGE_CACHE_BYTES", "1000"),
    ("PORTAL_ALLOWED_ORIGINS", "null"),
    ("PORTAL_ALLOWED_ORIGINS", "https://*.example.org"),
    ("PORTAL_PROXY_ADDRESSES", "proxy.example.org"),
    ("PORTAL_PROXY_ADDRESSES", "10.1.2.3/16"),
    ("PORTAL_PROXY_ADDRESSES", "10.0.0.5, *"),
    ("PORTAL_METRICS_TOKEN", "short"),
    ("PORTAL_METRICS_TOKEN", "long enough but with spaces"),
    ("PORTAL_METRICS_ADDRESSES", "prometheus.example.org"),
    ("PORTAL_METRICS_PORT", "70000"),
    ("PORTAL_METRICS_PORT", "9100"),  # nobody may read it
    ("PORTAL_HIDDEN_KEYS", "{showHealth"),
    ("PORTAL_HIDDEN_KEYS", '["wounds"]'),
    ("PORTAL_HIDDEN_KEYS", '{"showWounds": ["wounds"]}'),
    ("PORTAL_HIDDEN_KEYS", '{"showHealth": "wounds"}'),
    ("PORTAL_HIDDEN_KEYS", '{"showHealth": [1]}'),
    ("DATABASE_URL", "mysql://root@db/portal"),
    ("DATABASE_URL", "portal.sqlite3"),
    ("DATABASE_URL", "sqlite:///:memory:"),
    ("DATABASE_URL", "postgres://db"),
    ("DATABASE_URL", "postgres://db:port/portal"),
    ("REDIS_URL", "http://127.0.0.1:6379"),
    ("REDIS_URL", "127.0.0.1:6379"),
    ("REDIS_URL", "redis://127.0.0.1:port"),
    ("PORTAL_S3_BUCKET", "my bucket"),
    ("PORTAL_S3_BUCKET", "s3://portal"),
    ("PORTAL_S3_BUCKET", "pictures/portal"),
    ("PORTAL_S3_ENDPOINT", "s3.example.org"),
    ("PORTAL_S3_ENDPOINT", "ftp://s3.example.org"),
    ("PORTAL_S3_ENDPOINT", "https://"),
    ("PORTAL_S3_ENDPOINT", "https://s3.example.org:port"),
    ("PORTAL_S3_ENDPOINT", "https://key:secret@s3.example.org"),
    ("PORTAL_S3_ENDPOINT", "https://s3.example.org/bucket"),
    ("PORTAL_S3_ENDPOINT", "https://s3.example.org?x=1"),
    ("PORTAL_S3_REGION", "Frankfurt am Main"),
    ("PORTAL_S3_ACCESS_KEY", "two words"),
    ("PORTAL_S3_SECRET_KEY", "schlüssel"),
    ("PORTAL_S3_PREFIX", "../pictures"),
    ("PORTAL_S3_PREFIX", "a//b"),
    ("PORTAL_S3_PREFIX", "a/./b"),
    ("PORTAL_S3_PREFIX", "a b"),
    ("PORTAL_DATA_DIR", "/dev/null/var"),
    ("PORTAL_DATA_DIR", "/dev/null"),
    ("PORTAL_SECRET_KEY_FILE", "/nowhere/secret"),
]


@pytest.mark.parametrize(("name", "value"), BAD)
def test_a_bad_value_stops_the_process_with_one_sentence(tmp_path: Path, name: str, value: str) -> None:
    process = load(tmp_path, {name: value})
    assert process.returncode == 1
    assert process.stderr.startswith(name)
    assert process.stderr.count("\n") == 1
    assert process.stderr.endswith(".\n")


@pytest.mark.parametrize("name", ["PORTAL_SECRET_KEY", "PORTAL_ALLOWED_HOSTS"])
@pytest.mark.parametrize("value", ["", "  "])
def test_production_does_not_start_without_a_required_setting(tmp_path: Path, name: str, value: str) -> None:
    process = load(tmp_path, {**PRODUCTION, name: value})
    assert process.returncode == 1
    assert process.stderr.startswith(f"{name} is not set")
    assert process.stderr.count("\n") == 1


def test_production_does_not_start_with_a_short_key(tmp_path: Path) -> None:
    process = load(tmp_path, {**PRODUCTION, "PORTAL_SECRET_KEY": "short"})
    assert process.returncode == 1
    assert process.stderr.startswith("PORTAL_SECRET_KEY is too short")


def test_old_keys_are_valid_for_what_they_signed(tmp_path: Path) -> None:
    assert read(tmp_path, {}, "SECRET_KEY_FALLBACKS") == {"SECRET_KEY_FALLBACKS": []}
    variables = {**PRODUCTION, "PORTAL_SECRET_KEY_FALLBACKS": f"{'a' * 50}, {'b' * 50}"}
    assert read(tmp_path, variables, "SECRET_KEY_FALLBACKS") == {"SECRET_KEY_FALLBACKS": ["a" * 50, "b" * 50]}


def test_production_does_not_start_with_a_short_old_key(tmp_path: Path) -> None:
    process = load(tmp_path, {**PRODUCTION, "PORTAL_SECRET_KEY_FALLBACKS": f"{'a' * 50},short"})
    assert process.returncode == 1
    assert process.stderr.startswith("PORTAL_SECRET_KEY_FALLBACKS must list keys of 50 characters")
    assert "short" not in process.stderr


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("django-insecure-" + KEY, "looks like a placeholder"),
        ("CHANGE_ME" + KEY, "looks like a placeholder"),
        ("a" * 64, "has fewer than 8 different characters"),
        ("0110" * 16, "has fewer than 8 different characters"),
        (KEY[:26] * 2, "repeats itself"),
        (KEY[:20] * 2 + KEY[:13], "repeats itself"),
        ("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", "counts up or down"),
        ("".join(letter * 3 for letter in "correcthorsebattery"), "counts up or down"),
    ],
)
def test_production_does_not_start_with_a_weak_key(tmp_path: Path, key: str, said: str) -> None:
    process = load(tmp_path, {**PRODUCTION, "PORTAL_SECRET_KEY": key})
    assert process.returncode == 1
    assert process.stderr.startswith(f"PORTAL_SECRET_KEY {said}: production needs 50 random characters")
    assert process.stderr.count("\n") == 1
    assert key not in process.stderr


def test_random_keys_are_not_weak() -> None:
    for _ in range(500):
        for key in (
            secrets.token_urlsafe(48),
            secrets.token_hex(25),
            base64.b64encode(secrets.token_bytes(48)).decode(),
        ):
            assert weakness(key, SECRET_KEY_LENGTH) is None, key


def test_production_does_not_accept_any_host(tmp_path: Path) -> None:
    process = load(tmp_path, {**PRODUCTION, "PORTAL_ALLOWED_HOSTS": "portal.example.org, *"})
    assert process.returncode == 1
    assert process.stderr.startswith("PORTAL_ALLOWED_HOSTS must list the host names")
    assert process.stderr.count("\n") == 1
    assert read(tmp_path, {"PORTAL_ALLOWED_HOSTS": "*"}, "ALLOWED_HOSTS") == {"ALLOWED_HOSTS": ["*"]}


# --- The data folder --------------------------------------------------------------------------------------


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_data_folder_is_created_for_us_alone(tmp_path: Path) -> None:
    assert load(tmp_path, {}).stderr == ""
    assert mode(tmp_path / "var") == 0o700


def test_a_data_folder_that_others_could_read_is_closed(tmp_path: Path) -> None:
    folder = tmp_path / "var"
    (folder / "static").mkdir(parents=True)
    (folder / "db.sqlite3").touch(0o644)
    folder.chmod(0o755)
    process = load(tmp_path, {})
    assert process.returncode == 0
    assert process.stderr.startswith(f"PORTAL_DATA_DIR is {folder}, which others could look into until now")
    assert process.stderr.count("\n") == 1
    assert (mode(folder), mode(folder / "db.sqlite3")) == (0o700, 0o600)
    assert load(tmp_path, {}).stderr == ""


@pytest.mark.parametrize("foreign", [True, False])
def test_a_folder_of_others_stays_open_and_our_files_are_protected(tmp_path: Path, foreign: bool) -> None:
    folder = tmp_path / "var"
    folder.mkdir()
    (folder / "db.sqlite3").touch(0o644)
    if foreign:
        (folder / "www").mkdir()
    folder.chmod(0o755 if foreign else 0o1777)
    before = mode(folder)
    process = load(tmp_path, {})
    assert process.returncode == 0
    assert "give Portal a folder of its own" in process.stderr
    assert (mode(folder), mode(folder / "db.sqlite3")) == (before, 0o600)


def test_manage_py_reports_the_same(tmp_path: Path) -> None:
    environment = {"PATH": os.environ["PATH"], "PORTAL_DATA_DIR": str(tmp_path), "PORTAL_DEBUG": "perhaps"}
    command = [sys.executable, "manage.py", "check"]
    process = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert process.returncode == 1
    assert process.stderr == "PORTAL_DEBUG must be true or false, not 'perhaps'.\n"
