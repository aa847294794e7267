"""A port of the supervisor's own that has only /metrics: a small server in a thread, beside the one that supervises."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable

import uvicorn
from django.conf import settings

from realtime.metrics.reports import Report
from realtime.server.http.protocol import BoundedHttpProtocol
from realtime.server.metrics.page import Metrics, NoReport, read_from
from realtime.server.metrics.scrapes import SUM_SECONDS, Scrapes

END_SECONDS = 1


def answer_on(sockets: list[socket.socket], scrapes: Scrapes, ring: Callable[[], None]) -> Callable[[], None]:
    """Answer on these sockets until the function that is returned is called.

    `ring` wakes the supervisor, which answers for `scrapes`.
    """

    async def ask() -> Report:
        loop = asyncio.get_running_loop()
        asked: asyncio.Future[Report] = loop.create_future()

        def take(report: Report) -> None:
            if not asked.done():  # or it is too late
                asked.set_result(report)

        def answer(report: Report) -> None:
            loop.call_soon_threadsafe(take, report)

        scrapes.ask(answer)
        ring()
        try:
            async with asyncio.timeout(SUM_SECONDS):
                return await asked
        except TimeoutError as error:
            raise NoReport("The supervisor does not answer.") from error

    read_from(ask)
    server = uvicorn.Server(_config())
    thread = threading.Thread(target=server.run, args=(sockets,), name="metrics", daemon=True)
    thread.start()

    def end() -> None:
        server.should_exit = True
        thread.join(2 * END_SECONDS)

    return end


def _config() -> uvicorn.Config:
    return uvicorn.Config(
        Metrics(),
        http=BoundedHttpProtocol,
        ws="none",
        lifespan="off",
        timeout_keep_alive=settings.PORTAL_KEEP_ALIVE_SECONDS,
        access_log=False,
        log_config=None,
        server_header=False,
        proxy_headers=settings.PORTAL_BEHIND_PROXY,
        forwarded_allow_ips=settings.PORTAL_PROXY_ADDRESSES,
        timeout_graceful_shutdown=END_SECONDS,
    )
