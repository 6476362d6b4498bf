"""The page of the running day: what waits, what was rated badly, how the day stands; each browser is sent what is new."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import duckdb
import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from orchestration.errors import KefuError
from orchestration.language import language
from orchestration.live.moment import rows

PAGE = Path(__file__).with_name("page.html")
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; "
    "img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
LOOK_SECONDS = 0.25  # for something new to send
MOST_ROUNDS = 500  # the oldest; the others are counted

QUERIES = {
    "rounds": f"""
        select platform, shop_id, shop_name, account, conversation_id, clock_started_at, answer_due_at, state, is_in_window
        from {{rounds}} order by clock_started_at, conversation_id limit {MOST_ROUNDS}
    """,
    "states": "select platform, state, count(*) as count from {rounds} group by all order by all",
    "ratings": """
        select platform, shop_id, shop_name, account, card_id, value, was_changed, editable_until, edits_left
        from {ratings} order by editable_until nulls last, rated_at desc
    """,
    "today": """
        select platform, shop_id, shop_name, title_en, title_zh, unit, better, denominator, value, target
        from {metrics} order by target is null, platform, metric, shop_id
    """,
}


class Page:
    """What browsers are shown. One thread renews it, another serves it."""

    def __init__(self, speed: float) -> None:
        self.speed = speed
        self.content = ""

    def renew(self, connection: duckdb.DuckDBPyConnection, at: str) -> None:
        """Takes what the models say of the moment, with ids as readers see them."""
        tables = {name: rows(connection, query) for name, query in QUERIES.items()}
        self.content = json.dumps({"as_of": at, "speed": self.speed, **tables}, default=str, ensure_ascii=False)

    def serve(self, *, port: int | None, path: Path | None) -> None:
        """Serves on a port of the loopback, or on a socket for a proxy, from a thread that ends with the process.

        KefuError where the port is taken.
        """
        hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")} if port else None
        config = uvicorn.Config(self._app(hosts), uds=str(path) if path else None, log_level="warning", server_header=False)
        try:
            sockets = [socket.create_server(("127.0.0.1", port))] if port else None
        except OSError as error:
            reason = os.strerror(error.errno or 0)
            raise KefuError(f"--port {port} cannot be opened ({reason}): end what uses it, or choose another") from error
        threading.Thread(target=uvicorn.Server(config).run, args=(sockets,), name="page", daemon=True).start()

    def _app(self, hosts: set[str] | None) -> Starlette:
        async def guard(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
            """Answers those who name this page and no other: a page elsewhere could have a browser ask in its reader's place."""
            host, origin = request.headers.get("host", ""), request.headers.get("origin")
            if hosts is not None and host not in hosts:
                return PlainTextResponse("no such host here\n", 421)
            if hosts is not None and origin is not None and origin not in {f"http://{each}" for each in hosts}:
                return PlainTextResponse("another page asks\n", 403)
            response = await call_next(request)
            response.headers.update(HEADERS)
            return response

        async def page(request: Request) -> Response:
            wanted = request.query_params.get("lang") or language()
            text = PAGE.read_text(encoding="utf-8").replace("{{lang}}", "zh" if wanted == "zh" else "en")
            return Response(text, media_type="text/html")

        async def events(request: Request) -> Response:
            return StreamingResponse(self._events(request), media_type="text/event-stream")

        routes = [Route("/", page), Route("/events", events)]
        return Starlette(routes=routes, middleware=[Middleware(BaseHTTPMiddleware, dispatch=guard)])

    async def _events(self, request: Request) -> AsyncIterator[str]:
        sent: Any = None
        while not await request.is_disconnected():
            if self.content and self.content is not sent:
                sent = self.content
                yield f"data: {sent}\n\n"
            await asyncio.sleep(LOOK_SECONDS)
