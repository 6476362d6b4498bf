"""Dagster's interface behind the nginx of Debian, as docs/operating.md sets it up: who is let in, what a foreign page can do."""

from __future__ import annotations

import base64
import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from harness import free_port
from playwright.sync_api import expect, sync_playwright

from orchestration.home import PROJECT, open_home
from orchestration.live.page import Page
from orchestration.runs.instance import write_settings

pytestmark = pytest.mark.readers

CERTIFICATE = Path(__file__).with_name("localhost.pem")  # for localhost, with its key
LOGIN = {"Authorization": f"Basic {base64.b64encode(b'ada:secret').decode()}"}
QUERY = json.dumps({"query": "{ version }"})
START = (
    'mutation { startSchedule(scheduleSelector: {repositoryLocationName: "orchestration.runs.definitions", '
    'repositoryName: "__repository__", scheduleName: "nightly"}) { __typename } }'
)
STATE = """{ scheduleOrError(scheduleSelector: {repositoryLocationName: "orchestration.runs.definitions",
    repositoryName: "__repository__", scheduleName: "nightly"}) { ... on Schedule { scheduleState { status } } } }"""


@dataclass(frozen=True)
class Proxy:
    port: int
    socket: Path

    @property
    def name(self) -> str:
        return f"localhost:{self.port}"

    def ask(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, str]:
        """Status and body of an answer. A header is named with underscores; Host, Origin and login are those of a reader."""
        trust = ssl.create_default_context(cafile=str(CERTIFICATE))
        connection = HTTPSConnection("localhost", self.port, context=trust, timeout=60)
        sent = {"Host": self.name, "Content-Type": "application/json", **LOGIN}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, body, {name: value for name, value in sent.items() if value})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")

    def schedule(self) -> str:
        status, answer = self.ask("POST", "/graphql", json.dumps({"query": STATE}))
        assert status == 200, answer
        return str(json.loads(answer)["data"]["scheduleOrError"]["scheduleState"]["status"])


@pytest.fixture(scope="module")
def proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxy]:
    """The shipped configuration with its names replaced, and the web server behind it, of a home without data."""
    nginx = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    assert nginx, "this test needs nginx: `make proxy` installs it"
    folder = tmp_path_factory.mktemp("proxy")
    home, landing = open_home(folder / "home"), folder / "landing"
    landing.mkdir()
    write_settings(home)
    proxy = Proxy(free_port(), folder / "webserver.sock")
    (folder / "htpasswd").write_text(f"ada:{hashed('secret')}\n", encoding="utf-8")
    site = (PROJECT / "deploy" / "nginx" / "kefu.conf").read_text(encoding="utf-8")
    for shipped, here in {
        "kefu.example.com 1;": f"{proxy.name} 1;",
        "server_name kefu.example.com;": "server_name localhost;",
        "listen 443 ssl;": f"listen 127.0.0.1:{proxy.port} ssl;",
        "/etc/kefu/tls/cert.pem": str(CERTIFICATE),
        "/etc/kefu/tls/key.pem": str(CERTIFICATE),
        "/etc/kefu/htpasswd": str(folder / "htpasswd"),
        "/run/kefu/webserver.sock": str(proxy.socket),
        "/run/kefu-live/live.sock": str(folder / "live.sock"),
    }.items():
        assert shipped in site, shipped
        site = site.replace(shipped, here)
    user = "user root;" if os.getuid() == 0 else ""  # whose folder this is
    temporary = "".join(f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"{user} daemon off; pid {folder}/pid; error_log {folder}/error.log;\n"
        f"events {{}}\nhttp {{ access_log off; {temporary}\n{site}\n}}\n",
        encoding="utf-8",
    )
    Page(1).serve(port=None, path=folder / "live.sock")
    with open(folder / "webserver.log", "wb") as log:
        webserver = subprocess.Popen(
            [sys.executable, "-m", "orchestration.runs.webserver", str(proxy.socket)],
            cwd=PROJECT,
            env=os.environ | {"KEFU_HOME": str(home.path), "KEFU_LANDING": str(landing), "DAGSTER_HOME": str(home.dagster)},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        server = subprocess.Popen([nginx, "-c", str(configuration), "-e", str(folder / "error.log")], stderr=log)
    try:
        until = time.monotonic() + 180
        while not proxy.socket.exists() or proxy.ask("GET", "/server_info")[0] != 200:
            assert time.monotonic() < until and server.poll() is None and webserver.poll() is None, (
                folder / "webserver.log"
            ).read_text() + (folder / "error.log").read_text()
            time.sleep(0.3)
        yield proxy
    finally:
        for process in (server, webserver):
            process.terminate()
            process.wait(60)


def hashed(password: str) -> str:
    """As docs/operating.md makes it."""
    made = subprocess.run(["openssl", "passwd", "-6", password], capture_output=True, text=True, check=True)
    return made.stdout.strip()


def test_who_is_let_in_gets_answers(proxy: Proxy) -> None:
    assert proxy.ask("POST", "/graphql", QUERY)[0] == 200
    assert proxy.ask("POST", "/graphql", QUERY, Origin=f"https://{proxy.name}", Sec_Fetch_Site="same-origin")[0] == 200
    status, page = proxy.ask("GET", "/assets", Sec_Fetch_Site="cross-site")
    assert (status, "<!doctype html>" in page.lower()) == (200, True), "a link in an alert's chat leads here"


def test_the_page_of_the_running_day_is_behind_the_same_login(proxy: Proxy) -> None:
    status, page = proxy.ask("GET", "/live/?lang=zh")
    assert (status, '<html lang="zh">' in page) == (200, True)


@pytest.mark.parametrize(
    ("method", "path", "headers", "status"),
    [
        ("POST", "/graphql", {"Authorization": ""}, 401),
        ("GET", "/live/", {"Authorization": ""}, 401),
        ("GET", "/live/", {"Host": "evil.example"}, 421),
        ("GET", "/live/events", {"Origin": "https://evil.example"}, 403),
        ("GET", "/assets", {"Authorization": ""}, 401),
        ("GET", "/logs/x", {"Authorization": ""}, 401),
        ("POST", "/report_asset_materialization/x", {"Authorization": ""}, 401),
        ("POST", "/graphql", {"Authorization": f"Basic {base64.b64encode(b'ada:guessed').decode()}"}, 401),
        ("POST", "/graphql", {"Host": "evil.example"}, 421),
        ("GET", "/assets", {"Host": "127.0.0.1"}, 421),
        ("POST", "/graphql", {"Origin": "https://evil.example"}, 403),
        ("POST", "/graphql", {"Origin": "null"}, 403),
        ("POST", "/report_asset_materialization/x", {"Origin": "https://evil.example"}, 403),
        ("GET", "/graphql", {"Origin": "https://evil.example", "Upgrade": "websocket", "Connection": "Upgrade"}, 403),
        ("POST", "/graphql", {"Sec_Fetch_Site": "cross-site"}, 403),
        ("GET", "/graphql?query=%7Bversion%7D", {}, 405),
        ("GET", "/graphql?query=%7Bversion%7D", {"Sec_Fetch_Site": "cross-site"}, 403),
    ],
)
def test_who_is_foreign_gets_nothing(proxy: Proxy, method: str, path: str, headers: dict[str, str], status: int) -> None:
    answered, body = proxy.ask(method, path, QUERY, **headers)
    assert answered == status
    assert "data" not in body and (not body or "nginx" in body), "not even the page"


def test_the_web_server_is_reached_by_the_proxy_alone(proxy: Proxy) -> None:
    """It listens to no port, and its socket lies in a folder that says who reaches it."""
    unit = (PROJECT / "deploy" / "systemd" / "kefu-webserver.service").read_text(encoding="utf-8")
    assert "-m orchestration.runs.webserver /run/kefu/webserver.sock" in unit
    assert {"RuntimeDirectory=kefu", "RuntimeDirectoryMode=0750", "ExecStartPost=+/bin/chgrp www-data /run/kefu"} <= set(
        unit.splitlines()
    )
    with socket.socket(socket.AF_UNIX) as direct:
        direct.connect(str(proxy.socket))


def test_a_page_elsewhere_starts_nothing_in_the_browser_of_who_is_logged_in(proxy: Proxy) -> None:
    chromium = shutil.which("chromium")
    assert chromium, "this test needs Chromium: `make browser` installs it"
    target, mutation = f"https://{proxy.name}/graphql", json.dumps(START)
    page_elsewhere = f"""
        <img id=image><script>
        document.getElementById("image").src = "{target}?query=" + encodeURIComponent({mutation});
        Promise.allSettled([
            fetch("{target}", {{method: "POST", mode: "no-cors", credentials: "include",
                body: JSON.stringify({{query: {mutation}}})}}),
            fetch("{target}?query=" + encodeURIComponent({mutation}), {{mode: "no-cors", credentials: "include"}}),
            new Promise(done => {{ const s = new WebSocket("wss://{proxy.name}/graphql", "graphql-ws");
                s.onopen = () => {{ document.title = "opened"; done() }}; s.onerror = done; }}),
        ]).then(() => document.body.append("tried"))
        </script>"""

    class Elsewhere(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(page_elsewhere.encode())

        def log_message(self, format: str, *values: object) -> None:
            pass

    elsewhere = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    Thread(target=elsewhere.serve_forever, daemon=True).start()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        context = browser.new_context(ignore_https_errors=True, http_credentials={"username": "ada", "password": "secret"})
        page = context.new_page()
        page.set_default_timeout(60_000)
        page.goto(f"https://{proxy.name}/automation")
        expect(page.get_by_text("nightly").first).to_be_visible(timeout=60_000)
        page.goto(f"http://127.0.0.1:{elsewhere.server_port}/")
        expect(page.get_by_text("tried")).to_be_visible(timeout=60_000)
        assert page.title() != "opened"
        browser.close()
    elsewhere.shutdown()
    assert proxy.schedule() == "STOPPED"
    assert proxy.ask("POST", "/graphql", json.dumps({"query": START}))[0] == 200
    assert proxy.schedule() == "RUNNING", "that is what it tried"
