"""Strict readers of environment variables, for `portal.settings` alone.

Each function returns a checked value or ends the process with one sentence on stderr that names the variable. An empty
variable counts as not set, and `NAME_FILE` may name a file that holds the value of `NAME` (a Docker secret). The
meaning of a value for Django does not belong here.
"""

import ipaddress
import json
import os
import re
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import unquote, urlsplit

import environ

from portal import private

TRUE = ("true", "on", "yes", "1")
FALSE = ("false", "off", "no", "0")
SECRET_KEY_LENGTH = 50  # characters; the minimum of `check --deploy` (security.W009)
SQLITE = "portal.sqlite"

_MAKE_KEY = "`openssl rand -base64 48` makes them, the same for all processes"
_ENCODED = "In a user name or a password write / ? # [ ] @ and : as %2F %3F %23 %5B %5D %40 and %3A."
_MAIL_PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}
"""By the scheme of a mail server's address; 587 and 465 are those of RFC 8314."""
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(:[0-9]{1,5})?", re.IGNORECASE)
_SOURCE = re.compile(r"https?:|https?://(\*\.)?[a-z0-9.-]+(:([0-9]{1,5}|\*))?(/[\w./~%-]*)?", re.IGNORECASE)
_DEFAULT_PORT = re.compile(r"^(http://.*):80$|^(https://.*):443$")
_variables: Mapping[str, str] = environ.FileAwareEnv().ENVIRON


def refuse(name: str, sentence: str) -> NoReturn:
    """End the process with exit code 1 and `NAME sentence` on stderr."""
    raise SystemExit(f"{name} {sentence}")


def text(name: str, default: str = "") -> str:
    """The value without surrounding white space, or the default."""
    try:
        value = _variables.get(name, "").strip()
    except (OSError, UnicodeDecodeError) as error:
        refuse(f"{name}_FILE", f"names a file that cannot be read: {error}.")
    return value or default


def flag(name: str, default: bool) -> bool:
    """A yes or no."""
    value = text(name).lower()
    if value and value not in TRUE + FALSE:
        refuse(name, f"must be true or false, not {value!r}.")
    return value in TRUE if value else default


def number(name: str, default: int, low: int, high: int) -> int:
    """A whole number, low and high included."""
    value = text(name, str(default))
    if not re.fullmatch(r"-?[0-9]{1,18}", value) or not low <= int(value) <= high:
        refuse(name, f"must be a whole number from {low} to {high}, not {value!r}.")
    return int(value)


def choice(name: str, default: str, options: tuple[str, ...]) -> str:
    """One of the options, in any case; returned as the option is spelt."""
    value = text(name, default)
    for option in options:
        if option.lower() == value.lower():
            return option
    refuse(name, f"must be one of {', '.join(options)}, not {value!r}.")


def words(name: str, default: tuple[str, ...] = ()) -> list[str]:
    """A list separated by commas."""
    return [word.strip() for word in text(name).split(",") if word.strip()] or list(default)


def hosts(name: str, default: tuple[str, ...], *, any_host: bool) -> list[str]:
    """Host names in the format of Django's ALLOWED_HOSTS: no scheme, no port, no path; `*` only if `any_host`."""
    for host in (found := words(name, default)):
        if host == "*" and not any_host:
            refuse(name, "must list the host names that people type in: * would let a request name any site as ours.")
        if not re.fullmatch(r"\*|\[[0-9a-fA-F:.]+\]|[\w.-]+", host):
            refuse(
                name,
                f"must list host names such as portal.example.org, without scheme or port, not {host!r}.",
            )
    return found


def listens_on(name: str, default: str) -> str:
    """An address or a host name without a port, such as `0.0.0.0`, `::1` or `table.local`; or `*`."""
    value = text(name, default)
    if not re.fullmatch(r"\*|[0-9a-fA-F:.]+|[\w.-]+", value):
        refuse(name, f"must be an address such as 0.0.0.0, without a port, not {value!r}.")
    return value


def origins(name: str) -> list[str]:
    """Web origins as browsers write them, for example `https://table.example.org:8443`.

    They are in lower case, and without the default port of their scheme.
    """
    for origin in (found := words(name)):
        if not _ORIGIN.fullmatch(origin):
            refuse(name, f"must list origins such as https://table.example.org:8443, not {origin!r}.")
    return [_DEFAULT_PORT.sub(r"\1\2", origin.lower()) for origin in found]


def sources(name: str, default: tuple[str, ...]) -> list[str]:
    """Sources of a Content-Security-Policy (CSP Level 3, section 2.3.1): schemes, hosts with a scheme, or `none`."""
    found = words(name, default)
    if [word.lower() for word in found] == ["none"]:
        return []
    for source in found:
        if not _SOURCE.fullmatch(source):
            refuse(name, f"must list sources such as https: or https://img.example.org, or be none, not {source!r}.")
    return found


def base_path(name: str) -> str:
    """A path without a slash at its end, such as `/portal` or `/tools/portal`; empty without one."""
    found = text(name).rstrip("/")
    if found and not re.fullmatch(r"(/[A-Za-z0-9._~-]+)+", found):
        refuse(name, f"must be a path such as /portal, of letters, digits and -._~, not {found!r}.")
    return found


def networks(name: str, default: tuple[str, ...]) -> list[str]:
    """Addresses of hosts and networks, for example `10.0.0.5` and `10.1.0.0/16`; or `*` alone, for all."""
    found = words(name, default)
    if found == ["*"]:
        return found
    for network in found:
        try:
            ipaddress.ip_network(network)
        except ValueError as error:
            refuse(name, f"must list addresses such as 10.0.0.5 or 10.1.0.0/16, or be *: {error}.")
    return found


def token(name: str, *, least: int) -> str:
    """A secret of visible ASCII characters without spaces, at least so many; empty without one."""
    value = text(name)
    if value and not re.fullmatch(rf"[!-~]{{{least},}}", value):
        refuse(name, f"must be {least} or more visible ASCII characters; `openssl rand -hex 32` makes them.")
    return value


def word_lists(name: str, keys: tuple[str, ...]) -> dict[str, list[str]]:
    """A JSON object from any of the keys to a list of words, for example `{"showHealth": ["wounds"]}`."""
    example = f'must be a JSON object such as {{"{keys[0]}": ["wounds"]}}'
    try:
        value = json.loads(text(name, "{}"))
    except ValueError as error:
        refuse(name, f"{example}, but is no JSON: {error}.")
    if not isinstance(value, dict):
        refuse(name, f"{example}, not {value!r}.")
    for key, entries in value.items():
        if key not in keys:
            refuse(name, f"{example} with keys from {', '.join(keys)}, not {key!r}.")
        if not isinstance(entries, list) or not all(isinstance(entry, str) and entry for entry in entries):
            refuse(name, f"{example}, a list of words for each key, not {entries!r} for {key!r}.")
    return value


def database(name: str, file: Path) -> dict[str, Any]:
    """Django's settings of one database, which the variable gives as a URL; without it, SQLite in the file.

    The URL is `sqlite:////absolute/path` or `postgres://user:password@host:port/name`, with libpq's options
    (`?sslmode=require`) after it.
    """
    url = text(name)
    if not url:
        return {"ENGINE": SQLITE, "NAME": str(file)}
    if not url.startswith(("sqlite:///", "postgres://", "postgresql://")):
        refuse(name, "must start with sqlite:/// or postgres://.")
    try:
        engine = SQLITE if url.startswith("sqlite") else None
        found: dict[str, Any] = dict(environ.Env.db_url_config(url, engine=engine))
    except ValueError:  # its message may contain a part of the password
        refuse(name, f"is not a database URL. {_ENCODED}")
    if found["NAME"] in ("", ":memory:"):
        refuse(name, "must name a database, as in sqlite:////srv/portal/db.sqlite3 or postgres://host/portal.")
    return found


def redis_urls(name: str) -> list[str]:
    """The URLs of the Redis or Valkey servers, none if the variable is not set."""
    for url in (found := words(name)):
        try:
            parts = urlsplit(url)
            _ = parts.port
        except ValueError:  # as above
            refuse(name, f"has an address that is no URL. {_ENCODED}")
        if parts.scheme not in ("redis", "rediss", "unix") or not (parts.hostname or parts.path):
            refuse(name, f"must list URLs such as redis://127.0.0.1:6379/0 (or rediss://, unix://). {_ENCODED}")
    return found


def folder(name: str, default: Path, *, needed: bool) -> Path:
    """An absolute path of a writable folder that only we may access (see `portal.private`).

    A folder that is not `needed` may be missing, or read-only.
    """
    path = Path(text(name, str(default))).expanduser().absolute()
    try:
        warning = private.make(path)
    except OSError as error:
        if not needed:
            return path
        refuse(name, f"must be a folder that can be made: {error}.")
    if needed and not os.access(path, os.W_OK | os.X_OK):
        refuse(name, f"must be a folder that can be written to, but {path} is not.")
    if warning:
        sys.stderr.write(f"{name} {warning}\n")
    return path


def secret_key(name: str, file: Path | None) -> str:
    """The given key; without one, the key in the file, which is created (mode 0600) on first use.

    Without a file (in production) a key must be given, and be long and random.
    """
    given = text(name)
    if file is None:
        if weakness := private.weakness(given, SECRET_KEY_LENGTH):
            need = f"production needs {SECRET_KEY_LENGTH} random characters or more"
            refuse(name, f"{weakness}: {need}; {_MAKE_KEY}.")
        return given
    if given:
        return given
    try:
        if not file.exists():
            private.write_once(file, secrets.token_urlsafe(SECRET_KEY_LENGTH))
        return file.read_text().strip()
    except OSError as error:
        refuse(name, f"is not set, and the key kept for development cannot be used: {error}.")


def old_secret_keys(name: str, *, checked: bool) -> list[str]:
    """Previous secret keys, separated by commas, none by default; `checked` requires the length of a new key."""
    keys = words(name)
    if checked and any(len(key) < SECRET_KEY_LENGTH for key in keys):
        refuse(name, f"must list keys of {SECRET_KEY_LENGTH} characters or more, separated by commas.")
    return keys


def mail(name: str) -> dict[str, Any]:
    """Django's settings for a mail server, from its address; empty if there is none.

    `smtp+tls` begins in plain text and goes on encrypted (STARTTLS), `smtps` is encrypted from the start.
    """
    url = text(name)
    if not url:
        return {}
    example = f"must be smtp+tls://user:password@host:587 or smtps://user:password@host:465. {_ENCODED}"
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:  # its message may contain a part of the password
        refuse(name, example)
    if parts.scheme not in _MAIL_PORTS or not parts.hostname or parts.path.strip("/") or parts.query or parts.fragment:
        refuse(name, example)
    return {
        "EMAIL_HOST": parts.hostname,
        "EMAIL_PORT": _MAIL_PORTS[parts.scheme] if port is None else port,
        "EMAIL_HOST_USER": unquote(parts.username or ""),
        "EMAIL_HOST_PASSWORD": unquote(parts.password or ""),
        "EMAIL_USE_TLS": parts.scheme == "smtp+tls",
        "EMAIL_USE_SSL": parts.scheme == "smtps",
    }


def mail_from(name: str, *, needed: bool) -> str:
    """Whom mail is from: an address, also with a name, such as `Portal <portal@example.org>`."""
    value = text(name)
    if needed and not value:
        refuse(name, "is not set: mail needs an address that it is from, such as portal@example.org.")
    if value and not re.fullmatch(r"[^\s<>@]+@[^\s<>@]+|[^<>@\r\n]+ <[^\s<>@]+@[^\s<>@]+>", value):
        refuse(name, f"must be an address such as portal@example.org or Portal <portal@example.org>, not {value!r}.")
    return value or "portal@localhost"
