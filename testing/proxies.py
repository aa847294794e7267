"""Real proxies in front of Portal, from Debian: nginx, HAProxy, Caddy and Apache, each while a `with` block lasts.

A configuration is a template: `{listen}` is the port of the proxy, the caller writes the rest. The caller also tells
Portal about its proxy (`PORTAL_BEHIND_PROXY`).
"""

from __future__ import annotations

import socket
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from testing.processes import Process, ReservedPort

NGINX = """
user root;
pid {folder}/nginx.pid;
error_log stderr warn;
daemon off;
worker_processes 1;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    map $http_upgrade $connection_upgrade {{ default upgrade; "" ""; }}
    {servers}
}}
"""
NGINX_PASSES = """
            proxy_http_version 1.1;
            proxy_set_header Host $http_host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-For $remote_addr;
"""
"""The headers that the configuration in README and operations.md passes on."""
HAPROXY = """
defaults
    mode http
    timeout connect 5s
    timeout client 25s
    timeout server 25s
    timeout tunnel 25s
frontend front
    bind 127.0.0.1:{{listen}} {tls}
    option forwardfor
    http-request set-header X-Forwarded-Proto https if {{ ssl_fc }}
    default_backend portal
backend portal
    {servers}
"""
"""The timeouts of its documentation, with the tunnel's shortened to a common value."""
CADDY = """
{{
    admin off
    auto_https off
    storage file_system {folder}
}}
{scheme}://127.0.0.1:{{listen}} {{
    {tls}
    {servers}
}}
"""
APACHE_MODULES = ("mpm_event", "authz_core", "filter", "deflate", "proxy", "proxy_http")
APACHE = """
ServerRoot {folder}
ServerName 127.0.0.1
User www-data
Group www-data
Listen 127.0.0.1:{{listen}}
PidFile {folder}/apache.pid
ErrorLog /dev/stderr
{servers}
"""


@contextmanager
def nginx(servers: str) -> Iterator[int]:
    """The port of an nginx with these server blocks, in which `{{listen}}` is that port."""
    with _proxy("nginx", ("nginx", "-e", "stderr", "-p", "{folder}", "-c", "{config}"), NGINX, servers) as port:
        yield port


@contextmanager
def haproxy(servers: str, certificate: Path | None = None) -> Iterator[int]:
    """The port of an HAProxy with these lines in its only backend; with a certificate it speaks TLS."""
    tls = "" if certificate is None else f"ssl crt {certificate}"
    with _proxy("haproxy", ("haproxy", "-db", "-f", "{config}"), HAPROXY, servers, tls=tls) as port:
        yield port


@contextmanager
def caddy(directives: str, certificate: Path | None = None) -> Iterator[int]:
    """The port of a Caddy with these directives for its only site; with a certificate it speaks TLS."""
    tls, scheme = ("", "http") if certificate is None else (f"tls {certificate} {certificate}", "https")
    command = ("caddy", "run", "--adapter", "caddyfile", "--config", "{config}")
    with _proxy("caddy", command, CADDY, directives, tls=tls, scheme=scheme) as port:
        yield port


@contextmanager
def apache(directives: str) -> Iterator[int]:
    """The port of an Apache with these directives, with its usual modules."""
    modules = [f"LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so" for name in APACHE_MODULES]
    lines = "\n".join((*modules, directives))
    with _proxy("apache", ("apache2", "-f", "{config}", "-D", "FOREGROUND"), APACHE, lines) as port:
        yield port


@contextmanager
def _proxy(name: str, command: Sequence[str], template: str, servers: str, **more: str) -> Iterator[int]:
    with ReservedPort() as port, tempfile.TemporaryDirectory(prefix=f"portal-{name}-") as folder:
        config = Path(folder, "config")
        text = template.format(folder=folder, servers=servers, **more)
        config.write_text(text.replace("{listen}", str(port.number)))
        words = [word.format(folder=folder, config=config) for word in command]
        with Process(name, words, Path(folder, "log")) as process:
            process.start(lambda: _listens(port.number))
            yield port.number


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
