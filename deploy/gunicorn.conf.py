"""The web server: `gunicorn namaskah.wsgi -c deploy/gunicorn.conf.py`."""

# ruff: noqa: INP001 -- gunicorn reads this file by its path

import os
import socket
import struct
from pathlib import Path
from typing import Any

import environ

# As the settings do, and before them: what follows looks at the same variables.
environ.Env.read_env(Path(__file__).resolve().parent.parent / ".env")

bind = os.environ.get("WEB_BIND", "127.0.0.1:8000")
# Threads beat processes for the tail on few cores: two slow clients stall two synchronous workers.
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY") or os.cpu_count() or 1)
threads = int(os.environ.get("WEB_THREADS", "4"))
# At most half of the threads wait for the gateway, so that deliveries are answered while it is slow.
os.environ.setdefault("GATEWAY_CONCURRENCY", str(max(1, threads // 2)))
# Longer than two calls of the gateway, 25 s each, which is the most that one request makes.
graceful_timeout = 55
timeout = 60
# Longer than a proxy or client keeps an idle connection, so that neither sends into one that is being closed.
keepalive = 75
# A heartbeat file on a slow disk blocks the worker.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 -- gunicorn makes a private file in it
control_socket_disable = True
# What a client may send must not become the address or the scheme of a request, whoever is its peer: Django reads
# X-Forwarded-Proto itself where there are proxies (TRUSTED_PROXY_COUNT).
forwarder_headers = ""
secure_scheme_headers: dict[str, str] = {}
# How long a thread waits for a client that sends nothing, or takes nothing. Whoever trickles bytes is left to the
# buffering proxy in front.
_CLIENT_PATIENCE_SECONDS = 10


def when_ready(server: Any) -> None:
    """Limit how long a silent client can hold a thread; accepted sockets inherit it from the one that listens."""
    patience = struct.pack("ll", _CLIENT_PATIENCE_SECONDS, 0)
    for listener in server.LISTENERS:
        for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
            listener.sock.setsockopt(socket.SOL_SOCKET, option, patience)


def on_starting(_server: Any) -> None:
    """Refuse a faulty setting once, before there are workers that would die of it for ever."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "namaskah.settings")
    from namaskah.checks import refuse_faulty_start  # noqa: PLC0415 -- reads the settings that this file completes

    refuse_faulty_start()
