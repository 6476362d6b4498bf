"""Alerts through a real web server and a real mail server: what is said, to whom, once, and without a secret."""

import base64
import hashlib
import hmac
import json
import logging
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message as Letter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import dagster as dg
import duckdb
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from dagster_shared.error import SerializableErrorInfo

from orchestration.alerts import transports
from orchestration.alerts.alert import Alert, Kind, message_of
from orchestration.alerts.outbox import Outbox
from orchestration.alerts.runs import error_line, run_failures
from orchestration.alerts.sensors import alert_sensors
from orchestration.alerts.transports import Mail, Transport, TransportError, Webhook, transports_from
from orchestration.errors import KefuError
from orchestration.home import PROJECT, Home, open_home
from orchestration.runs.definitions import definitions
from orchestration.runs.instance import instance_of

pytestmark = pytest.mark.readers

TOKEN, SECRET, PASSWORD = "token-7f3a9c", "SEC-51d0e2", "password-88b1"
CERTIFICATE = Path(__file__).with_name("localhost.pem")  # for localhost, signed by itself, with its key


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@dataclass
class Robot:
    """A web server that takes the messages of group robots; `reply` is the status and body of its answers."""

    url: str = ""
    reply: tuple[int, str] = (200, '{"errcode": 0, "errmsg": "ok"}')
    refuses: str = ""  # what holds this text
    received: list[tuple[dict[str, str], dict[str, Any]]] = field(default_factory=list)  # query, body

    @property
    def contents(self) -> list[str]:
        return [body["text"]["content"] for _, body in self.received]


@pytest.fixture
def robot() -> Iterator[Robot]:
    robot = Robot()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            robot.received.append((query, body))
            is_refused = robot.refuses and robot.refuses in json.dumps(body, ensure_ascii=False)
            status, answer = (200, '{"errcode": 300, "errmsg": "keyword"}') if is_refused else robot.reply
            self.send_response(status)
            if status == 302:
                self.send_header("Location", f"http://127.0.0.1:{server.server_port}/elsewhere")
            self.end_headers()
            self.wfile.write(answer.encode())

        def log_message(self, format: str, *values: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    robot.url = f"http://127.0.0.1:{server.server_port}/robot/send?access_token={TOKEN}"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield robot
    server.shutdown()
    server.server_close()


@dataclass
class Post:
    """A mail server that keeps what it is sent, and who logged in."""

    port: int = 0
    letters: list[Letter] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    logins: list[tuple[str, str]] = field(default_factory=list)
    is_encrypted: list[bool] = field(default_factory=list)

    def authenticate(self, server: Any, session: Any, envelope: Any, mechanism: str, data: LoginPassword) -> AuthResult:
        self.logins.append((data.login.decode(), data.password.decode()))
        return AuthResult(success=data.password.decode() == PASSWORD, handled=False)  # the server answers

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        self.letters.append(message_from_bytes(envelope.content))
        self.recipients.append(envelope.rcpt_tos)
        self.is_encrypted.append(session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None)
        return "250 OK"


@pytest.fixture
def serve_mail() -> Iterator[Callable[..., Post]]:
    controllers = []

    def serve(**settings: Any) -> Post:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            post = Post(port=free.getsockname()[1])
        controller = Controller(post, hostname="127.0.0.1", port=post.port, authenticator=post.authenticate, **settings)
        controller.start()
        controllers.append(controller)
        return post

    yield serve
    for controller in controllers:
        controller.stop()


@pytest.fixture
def tls() -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(CERTIFICATE)
    return context


def signature(key: str, message: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), message.encode(), hashlib.sha256).digest()).decode()


def assert_no_secret(*texts: object) -> None:
    for text in texts:
        assert not [secret for secret in (TOKEN, SECRET, PASSWORD) if secret in str(text)], text


# --- the robots ---


def test_dingtalk_signs_in_the_address(robot: Robot) -> None:
    Webhook("dingtalk", robot.url, SECRET).send("标题", "第一行\n第二行")
    ((query, body),) = robot.received
    assert body == {"msgtype": "text", "text": {"content": "标题\n第一行\n第二行"}}
    assert query["access_token"] == TOKEN
    assert abs(int(query["timestamp"]) / 1000 - time.time()) < 60
    assert query["sign"] == signature(SECRET, f"{query['timestamp']}\n{SECRET}")


def test_feishu_signs_in_the_body(robot: Robot) -> None:
    robot.reply = (200, '{"code": 0, "msg": "success", "data": {}}')
    Webhook("feishu", robot.url, SECRET).send("title", "text")
    ((query, body),) = robot.received
    assert body.pop("sign") == signature(f"{body['timestamp']}\n{SECRET}", "")
    assert abs(int(body.pop("timestamp")) - time.time()) < 60
    assert body == {"msg_type": "text", "content": {"text": "title\ntext"}}
    assert query == {"access_token": TOKEN}


def test_wecom_and_robots_without_a_secret_sign_nothing(robot: Robot) -> None:
    for form in ("wecom", "dingtalk"):
        Webhook(form, robot.url).send("title", "text")
    assert robot.received == [({"access_token": TOKEN}, {"msgtype": "text", "text": {"content": "title\ntext"}})] * 2
    robot.reply = (200, '{"StatusCode": 0, "StatusMessage": "success"}')  # Feishu, as it used to be
    Webhook("feishu", robot.url).send("title", "text")
    assert robot.received[-1][1] == {"msg_type": "text", "content": {"text": "title\ntext"}}


@pytest.mark.parametrize(
    ("form", "status", "answer", "said"),
    [
        ("dingtalk", 200, '{"errcode": 310000, "errmsg": "sign not match"}', "refused the message: 310000 sign not match"),
        ("wecom", 200, '{"errcode": 93000, "errmsg": "invalid webhook url"}', "refused the message: 93000 invalid webhook url"),
        ("feishu", 200, '{"code": 19021, "msg": "sign match fail"}', "refused the message: 19021 sign match fail"),
        ("dingtalk", 200, f'{{"errcode": 300, "errmsg": "access_token={TOKEN}, {SECRET}"}}', "300 access_token=***, ***"),
        ("dingtalk", 500, "", "answered with HTTP status 500"),
        ("dingtalk", 302, "", "answered with HTTP status 302"),
        ("feishu", 200, "<html>", "gave no answer of a feishu robot"),
        ("feishu", 200, '["code"]', "gave no answer of a feishu robot"),
        ("wecom", 200, "{}", "refused the message: None"),
    ],
)
def test_what_a_robot_refuses_is_an_error_without_secrets(
    robot: Robot, caplog: pytest.LogCaptureFixture, form: str, status: int, answer: str, said: str
) -> None:
    caplog.set_level(logging.DEBUG)
    robot.reply = (status, answer)
    webhook = Webhook(form, robot.url, SECRET)
    with pytest.raises(TransportError) as caught:
        webhook.send("title", "text")
    assert f"the {form} robot at 127.0.0.1 " in str(caught.value)
    assert said in str(caught.value)
    assert len(robot.received) == 1
    assert_no_secret(caught.value, repr(webhook), caplog.text)


def test_a_robot_that_cannot_be_reached_is_an_error_without_its_address(robot: Robot, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        nobody = Webhook("dingtalk", f"http://127.0.0.1:{free.getsockname()[1]}/robot/send?access_token={TOKEN}", SECRET)
    with pytest.raises(TransportError, match="was not reached: ConnectionError") as caught:
        nobody.send("title", "text")
    assert caught.value.__suppress_context__, "requests' own error holds the address"
    assert_no_secret(caught.value, caplog.text)


# --- mail ---


def test_mail_in_clear_without_a_password(serve_mail: Callable[..., Post]) -> None:
    post = serve_mail()
    Mail("127.0.0.1", post.port, "kefu@example.com", ("a@example.com", "b@example.com")).send("评价", "第一行\n第二行")
    (letter,) = post.letters
    assert post.recipients == [["a@example.com", "b@example.com"]]
    payload = letter.get_payload(decode=True)
    assert isinstance(payload, bytes)
    assert payload.decode().splitlines() == ["第一行", "第二行"]
    assert letter["From"] == "kefu@example.com"
    assert "=?utf-8?" in letter["Subject"]


def test_mail_encrypted_with_a_password(
    serve_mail: Callable[..., Post], tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    starttls, implicit = serve_mail(tls_context=tls), serve_mail(ssl_context=tls, auth_require_tls=False)
    monkeypatch.setattr(transports, "IMPLICIT_TLS_PORT", implicit.port)  # 465 is not ours to open
    for post in (starttls, implicit):
        Mail("localhost", post.port, "kefu@example.com", ("a@example.com",), "kefu", PASSWORD).send("title", "text")
        assert post.logins == [("kefu", PASSWORD)]
        assert post.is_encrypted == [True]


def test_a_password_is_given_to_nobody_who_cannot_be_trusted(
    serve_mail: Callable[..., Post], tls: ssl.SSLContext, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    clear, unknown = serve_mail(auth_require_tls=False), serve_mail(tls_context=tls)
    for post, said in [(clear, "offers no encryption"), (unknown, "was not reached: SSLCertVerificationError")]:
        mail = Mail("localhost", post.port, "kefu@example.com", ("a@example.com",), "kefu", PASSWORD)
        with pytest.raises(TransportError, match=said) as caught:
            mail.send("title", "text")
        assert (post.logins, post.letters) == ([], [])
        assert_no_secret(caught.value, repr(mail), caplog.text)


def test_mail_in_clear_goes_to_this_machine_only(serve_mail: Callable[..., Post], monkeypatch: pytest.MonkeyPatch) -> None:
    post = serve_mail()
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, port, *_, **__: [(socket.AF_INET, 1, 6, "", ("127.0.0.1", port))])
    with pytest.raises(TransportError, match=r"offers no encryption \(STARTTLS\), so nothing is sent to it"):
        Mail("mail.example", post.port, "kefu@example.com", ("a@example.com",)).send("title", "text")
    assert post.letters == []
    Mail("localhost", post.port, "kefu@example.com", ("a@example.com",)).send("title", "text")
    assert len(post.letters) == 1


def test_a_wrong_password_is_an_error_that_does_not_show_it(
    serve_mail: Callable[..., Post], tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    post = serve_mail(tls_context=tls)
    with pytest.raises(TransportError, match=r"refused with 535 \(SMTPAuthenticationError\)") as caught:
        Mail("localhost", post.port, "kefu@example.com", ("a@example.com",), "kefu", SECRET).send("title", "text")
    assert_no_secret(caught.value, caplog.text)


# --- configuration ---

ROBOT = {"KEFU_ALERT_WEBHOOK_URL": f"https://robot.example/send?access_token={TOKEN}", "KEFU_ALERT_WEBHOOK_FORM": "dingtalk"}
MAIL = {
    "KEFU_ALERT_SMTP_HOST": "mail.example",
    "KEFU_ALERT_SMTP_FROM": "k@a.example",
    "KEFU_ALERT_SMTP_TO": "x@a.example, y@b.example",
}


def test_transports_are_those_the_environment_describes() -> None:
    assert transports_from({"PATH": "/bin", "KEFU_ALERT_WEBHOOK_URL": ""}) == []
    assert transports_from(ROBOT) == [Webhook("dingtalk", ROBOT["KEFU_ALERT_WEBHOOK_URL"])]
    both = transports_from(
        ROBOT
        | MAIL
        | {
            "KEFU_ALERT_WEBHOOK_SECRET": SECRET,
            "KEFU_ALERT_SMTP_PORT": "2525",
            "KEFU_ALERT_SMTP_USER": "kefu",
            "KEFU_ALERT_SMTP_PASSWORD": PASSWORD,
        }
    )
    assert both == [
        Webhook("dingtalk", ROBOT["KEFU_ALERT_WEBHOOK_URL"], SECRET),
        Mail("mail.example", 2525, "k@a.example", ("x@a.example", "y@b.example"), "kefu", PASSWORD),
    ]
    assert_no_secret(repr(both))


@pytest.mark.parametrize(
    ("environment", "said"),
    [
        ({"KEFU_ALERT_WEBHOOK_FORM": "dingtalk"}, "KEFU_ALERT_WEBHOOK_URL is missing"),
        ({"KEFU_ALERT_WEBHOOK_SECRET": SECRET}, "KEFU_ALERT_WEBHOOK_URL is missing"),
        ({"KEFU_ALERT_WEBHOOK_URL": TOKEN}, "KEFU_ALERT_WEBHOOK_FORM is missing: one of dingtalk, feishu, wecom"),
        (ROBOT | {"KEFU_ALERT_WEBHOOK_FORM": "slack"}, "KEFU_ALERT_WEBHOOK_FORM is slack"),
        (ROBOT | {"KEFU_ALERT_WEBHOOK_URL": TOKEN}, "KEFU_ALERT_WEBHOOK_URL is no address"),
        (ROBOT | {"KEFU_ALERT_WEBHOOK_URL": f"https://a:b/{TOKEN}"}, "KEFU_ALERT_WEBHOOK_URL is no address"),
        (ROBOT | {"KEFU_ALERT_WEBHOOK_FORM": "wecom", "KEFU_ALERT_WEBHOOK_SECRET": SECRET}, "KEFU_ALERT_WEBHOOK_SECRET is set"),
        (ROBOT | {"KEFU_ALERT_WEBHOOK_SECRETS": SECRET}, "KEFU_ALERT_WEBHOOK_SECRETS is no variable of kefu"),
        ({"KEFU_ALERT_SMTP_TO": "a@b"}, "KEFU_ALERT_SMTP_HOST is missing"),
        (MAIL | {"KEFU_ALERT_SMTP_TO": "a@b,nobody"}, "KEFU_ALERT_SMTP_TO holds 'nobody'"),
        (MAIL | {"KEFU_ALERT_SMTP_FROM": "a@b\nBcc: c@d"}, "KEFU_ALERT_SMTP_FROM holds"),
        (MAIL | {"KEFU_ALERT_SMTP_PORT": "0"}, "KEFU_ALERT_SMTP_PORT is 0"),
        (MAIL | {"KEFU_ALERT_SMTP_USER": "kefu"}, "KEFU_ALERT_SMTP_PASSWORD is missing"),
        (MAIL | {"KEFU_ALERT_SMTP_PASSWORD": PASSWORD}, "KEFU_ALERT_SMTP_USER is missing"),
    ],
)
def test_a_wrong_variable_is_named(environment: dict[str, str], said: str) -> None:
    with pytest.raises(KefuError) as caught:
        transports_from(environment)
    assert said in str(caught.value)
    assert_no_secret(caught.value)


# --- messages ---


def ratings(count: int, text: str = "card") -> list[Alert]:
    return [Alert(f"rating/{number}", Kind.RATING, f"{text} {number}") for number in range(count)]


def test_a_hundred_alerts_are_one_message_of_twenty() -> None:
    message = message_of(ratings(100), 100_000)
    assert message.title == "kefu: dissatisfied rating (100)"
    assert message.text.splitlines() == [*(f"card {number}" for number in range(20)), "and 80 more"]
    assert message_of(ratings(1), 100_000).title == "kefu: dissatisfied rating"


@pytest.mark.parametrize("text", ["客" * 50, "客" * 5_000])
def test_a_message_is_no_longer_than_the_robot_takes(text: str) -> None:
    message = message_of(ratings(30, text), 2_048)
    *lines, rest = message.text.splitlines()
    assert rest == f"and {30 - len(lines)} more"
    assert 1_700 < len(f"{message.title}\n{message.text}".encode()) <= 2_048


@pytest.mark.parametrize("end", ["\n", "\r\n", "\x0b", "\x85", "\u2028", "\u202e", "\x1b[2K"])
def test_an_id_can_forge_no_line(end: str) -> None:
    """A robot and a terminal show what follows it as a line of its own, or backwards."""
    message = message_of([Alert("c", Kind.RATING, f"card 1{end}taobao s1: all is well")], 2_048)
    assert len(message.text.splitlines()) == 1
    assert message.text.isprintable()


@pytest.mark.parametrize("form", ["dingtalk", "feishu", "wecom"])
def test_an_id_can_call_nobody_and_link_nowhere(robot: Robot, form: str) -> None:
    robot.reply = (200, '{"errcode": 0, "code": 0}')
    Webhook(form, robot.url).send("kefu", 'card <at user_id="all">all</at> <@all> @all [click](https://evil.example) `x`')
    content = json.dumps(robot.received[0][1], ensure_ascii=False)
    assert "card" in content and "response" not in content
    for sign in ("<", ">", "@", "](", "`"):
        assert sign not in content


# --- the outbox ---


def test_a_text_that_is_refused_holds_up_no_other(robot: Robot, tmp_path: Path) -> None:
    robot.refuses = "card 1"
    outbox, webhook = Outbox(tmp_path / "alerts.sqlite"), Webhook("dingtalk", robot.url)
    failures = [outbox.tell(ratings(3), [webhook]), outbox.tell([], [webhook])]
    failures.append(outbox.tell([*ratings(3), Alert("later", Kind.RATING, "later")], [webhook]))
    assert all("300 keyword" in failure for (failure,) in failures)
    taken = "".join(content for content in robot.contents if "card 1" not in content)
    assert all(text in taken for text in ("card 0", "card 2", "later"))
    for _ in range(20):
        outbox.tell([], [webhook])
    assert len([content for content in robot.contents if "card 1" in content]) == 12, "at last it is tried no more"
    assert outbox.tell([], [webhook]) == []


def test_of_a_thousand_causes_each_is_told(robot: Robot, tmp_path: Path) -> None:
    outbox, webhook = Outbox(tmp_path / "alerts.sqlite"), Webhook("dingtalk", robot.url)
    outbox.tell(ratings(1_000), [webhook])
    assert robot.contents[0].splitlines()[0] == "kefu: dissatisfied rating (1000)"
    assert robot.contents[0].splitlines()[-1] == "and 980 more"
    for _ in range(60):
        outbox.tell([], [webhook])
    shown = [line for content in robot.contents for line in content.splitlines() if line.startswith("card ")]
    assert shown == [f"card {number}" for number in range(1_000)]


def test_a_cause_is_told_once_per_transport(robot: Robot, serve_mail: Callable[..., Post], tmp_path: Path) -> None:
    post = serve_mail()
    webhook = Webhook("dingtalk", robot.url)
    mail = Mail("127.0.0.1", post.port, "kefu@example.com", ("a@example.com",))
    both: list[Transport] = [webhook, mail]
    outbox = tmp_path / "alerts.sqlite"
    alerts = [*ratings(2), Alert("run", Kind.RUN, "it failed")]
    assert Outbox(outbox).tell(alerts, [webhook]) == []
    assert robot.contents == ["kefu: run failed\nit failed", "kefu: dissatisfied rating (2)\ncard 0\ncard 1"]
    for _ in range(2):  # the next tick, and after a restart; mail has been configured since
        assert Outbox(outbox).tell(ratings(2), both) == []
    assert (len(robot.contents), len(post.letters)) == (2, 1)
    assert Outbox(outbox).tell(ratings(3), both) == []
    assert robot.contents[2:] == ["kefu: dissatisfied rating\ncard 2"]
    assert len(post.letters) == 2


def test_what_was_not_taken_is_sent_again_and_nothing_else_is(
    robot: Robot, serve_mail: Callable[..., Post], tmp_path: Path
) -> None:
    post = serve_mail()
    both: list[Transport] = [
        Webhook("dingtalk", robot.url),
        Mail("127.0.0.1", post.port, "kefu@example.com", ("a@example.com",)),
    ]
    outbox = tmp_path / "alerts.sqlite"
    robot.reply = (200, '{"errcode": 130101, "errmsg": "send too fast"}')
    (failure,) = Outbox(outbox).tell(ratings(2), both)
    assert "webhook: the dingtalk robot at 127.0.0.1 refused the message: 130101 send too fast" in failure
    assert (len(robot.received), len(post.letters)) == (1, 1)
    robot.reply = (200, '{"errcode": 0}')
    assert Outbox(outbox).tell([], both) == [], "nobody has to find the cause again"
    assert Outbox(outbox).tell(ratings(2), both) == []
    assert robot.contents[1:] == ["kefu: dissatisfied rating (2)\ncard 0\ncard 1"]
    assert len(post.letters) == 1


def test_processes_at_the_same_time_send_one_message(robot: Robot, tmp_path: Path) -> None:
    tell = f"""
import sys
from pathlib import Path
from orchestration.alerts.alert import Alert, Kind
from orchestration.alerts.outbox import Outbox
from orchestration.alerts.transports import Webhook
print("ready", flush=True)
sys.stdin.read()
for cause in range(20):
    assert Outbox(Path({str(tmp_path / "alerts.sqlite")!r})).tell(
        [Alert(str(cause), Kind.RUN, str(cause))], [Webhook("dingtalk", {robot.url!r})]
    ) == []
"""
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", tell], cwd=PROJECT, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    for process in processes:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    for process in processes:  # closing their input starts them
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
    assert [process.communicate(timeout=60) for process in processes] == [("", "")] * 2
    assert sorted(robot.contents) == sorted(f"kefu: run failed\n{cause}" for cause in range(20))


def test_a_message_cut_short_by_a_crash_is_sent_again(robot: Robot, tmp_path: Path) -> None:
    class Crash(BaseException):
        pass

    class Crashing(Webhook):
        def send(self, title: str, text: str) -> None:
            raise Crash

    outbox = Outbox(tmp_path / "alerts.sqlite")
    with pytest.raises(Crash):
        outbox.tell(ratings(1), [Crashing("dingtalk", robot.url)])
    assert outbox.tell([], [Webhook("dingtalk", robot.url)]) == []
    assert len(robot.contents) == 1


# --- the sensors ---


@dataclass
class Watch:
    """One sensor on one instance, ticking on with the cursor that its last tick left."""

    sensor: dg.SensorDefinition
    instance: dg.DagsterInstance
    cursor: str | None = None

    def tick(self) -> str:
        """What the tick says; a tick that fails keeps the cursor."""
        with dg.build_sensor_context(instance=self.instance, cursor=self.cursor, sensor_name=self.sensor.name) as context:
            said = self.sensor.evaluate_tick(context)
            self.cursor = context.cursor
        errors = [reaction.error.message for reaction in said.dagster_run_reactions or [] if reaction.error]
        return said.skip_message or "; ".join(errors)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return open_home(tmp_path / "home")


@pytest.fixture
def told_robot(robot: Robot, monkeypatch: pytest.MonkeyPatch) -> Robot:
    """The robot, configured."""
    monkeypatch.setenv("KEFU_ALERT_WEBHOOK_URL", robot.url)
    monkeypatch.setenv("KEFU_ALERT_WEBHOOK_FORM", "dingtalk")
    return robot


def watches(sensors: list[dg.SensorDefinition], instance: dg.DagsterInstance) -> dict[str, Watch]:
    return {sensor.name: Watch(sensor, instance) for sensor in sensors}


def publish_bands(home: Home, version: int, *bands: tuple[str, str]) -> None:
    """Another published version: a shop's band per pair."""
    path = home.versions / f"kefu-{version:06}.duckdb"
    with duckdb.connect(str(path)) as connection:
        connection.execute("create schema marts")
        connection.execute(
            "create table marts.taobao_rejection_status "
            "(shop_id text, month date, band text, click_rate double, clicks int, exposures int, is_assessed boolean)"
        )
        for shop, band in bands:
            connection.execute(
                "insert into marts.taobao_rejection_status values (?, '2025-10-01', ?, 0.02, 2, 100, true)", [shop, band]
            )
    home.published.unlink(missing_ok=True)
    home.published.symlink_to(path)


def band(shop: str, name: str) -> str:
    return f"taobao {shop} is in the band {name}: 2 of 100 prompts clicked (2.0%) in 2025-10"


def test_every_sensor_is_off_and_says_what_to_set(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    sensors = alert_sensors(home)
    assert {sensor.default_status for sensor in sensors} == {dg.DefaultSensorStatus.STOPPED}
    assert [sensor.name for sensor in sensors] == ["alert_failed_runs", "alert_failed_checks", "alert_marts"]
    with instance_of(home) as instance:
        watch = watches(sensors, instance)
        for name in ("alert_failed_checks", "alert_marts"):
            said = watch[name].tick()
            assert said == (
                "set KEFU_ALERT_WEBHOOK_URL and KEFU_ALERT_WEBHOOK_FORM, "
                "or KEFU_ALERT_SMTP_HOST, KEFU_ALERT_SMTP_FROM and KEFU_ALERT_SMTP_TO"
            )
        assert not home.alerts.exists()
        monkeypatch.setenv("KEFU_ALERT_SMTP_HOST", "mail.example")
        with pytest.raises(KefuError, match="KEFU_ALERT_SMTP_FROM is missing"):
            watch["alert_marts"].tick()


def test_the_marts_are_told_once_and_again_when_they_worsen(
    home: Home, told_robot: Robot, monkeypatch: pytest.MonkeyPatch
) -> None:
    with instance_of(home) as instance:
        marts = watches(alert_sensors(home), instance)["alert_marts"]
        assert marts.tick() == "nothing is published yet"
        publish_bands(home, 1, ("s1", "watch"), ("s2", "healthy"), ("s3", "risk"))
        assert marts.tick() == "kefu-000001.duckdb gives 2 reasons for an alert, each told once"
        assert told_robot.contents == [f"kefu: rejection click rate (2)\n{band('s1', 'watch')}\n{band('s3', 'risk')}"]
        assert marts.tick() == "kefu-000001.duckdb has been read"
        marts.cursor = json.dumps(json.loads(marts.cursor or "") | {"read_at": "2025-10-31T10:00:00"})
        assert marts.tick() == "kefu-000001.duckdb gives 2 reasons for an alert, each told once"
        restarted = watches(alert_sensors(home), instance)["alert_marts"]
        restarted.tick()
        assert len(told_robot.received) == 1
        publish_bands(home, 2, ("s1", "risk"), ("s2", "watch"), ("s3", "risk"))
        told_robot.reply = (503, "")
        with pytest.raises(KefuError, match=r"answered with HTTP status 503 \(tried again at the next tick\)") as caught:
            restarted.tick()
        assert_no_secret(caught.value)
        told_robot.reply = (200, '{"errcode": 0}')
        restarted.tick()
        restarted.tick()
        assert told_robot.contents[2:] == [f"kefu: rejection click rate (2)\n{band('s1', 'risk')}\n{band('s2', 'watch')}"]


def test_a_failed_build_is_told_with_its_step_and_error(home: Home, told_robot: Robot, tmp_path: Path) -> None:
    file = tmp_path / "landing" / "taobao" / "messages" / "dt=2025-10-02" / "export.csv"
    file.parent.mkdir(parents=True)
    file.write_text("message_id,shop_id\nm1,s1\n", encoding="utf-8")
    definition = definitions(home, tmp_path / "landing")
    job = definition.resolve_job_def("daily_build")
    with instance_of(home) as instance:
        sensors = [definition.resolve_sensor_def(name) for name in ("alert_failed_runs", "alert_marts")]
        runs, marts = (Watch(sensor, instance) for sensor in sensors)
        assert runs.tick().startswith("Initiating")
        told_robot.reply = (200, '{"errcode": 1}')
        failed = job.execute_in_process(instance=instance, partition_key="2025-10-02", raise_on_error=False)
        assert not failed.success
        assert "(tried again at the next tick)" in runs.tick()
        told_robot.reply = (200, '{"errcode": 0}')
        marts.tick()  # the run has been looked at; whoever ticks next sends what is left
        (content,) = told_robot.contents[1:]
        title, text = content.splitlines()
        assert title == "kefu: run failed"
        assert text.startswith(
            "daily_build (2025-10-02), step models: taobao/messages/dt=2025-10-02/export.csv lacks required column "
        )
        assert text.endswith(f"[Dagster, run {failed.run_id[:8]}]")


@dg.op
def break_down() -> None:
    try:
        raise ValueError("the disk is full\nmore of it")
    except ValueError as error:
        raise RuntimeError("could not write") from error


@dg.job
def broken() -> None:
    break_down()


def test_what_fails_in_the_same_way_is_told_once_a_day(home: Home, told_robot: Robot) -> None:
    with instance_of(home) as instance:
        runs = watches(alert_sensors(home), instance)["alert_failed_runs"]
        runs.tick()
        ids = []
        for _ in range(2):
            ids.append(broken.execute_in_process(instance=instance, raise_on_error=False).run_id)
            runs.tick()
        expected = f"kefu: run failed\nbroken, step break_down: ValueError: the disk is full [Dagster, run {ids[0][:8]}]"
        assert told_robot.contents == [expected]
        run = instance.get_run_by_id(ids[1])
        assert run is not None
        (alert,) = run_failures(instance, run, "")
        stopped = run_failures(instance, dg.DagsterRun(job_name="daily_build", run_id="0123456789"), "the process died\nhard")
    assert alert.cause.startswith("run failed/broken/step break_down/ValueError: the disk is full/20")
    assert [alert.text for alert in stopped] == ["daily_build, no step: the process died hard [Dagster, run 01234567]"]


def test_the_line_of_a_failed_dbt_build_is_the_same_each_time() -> None:
    def line(number: int, seconds: float) -> str:
        message = (
            "dagster_dbt.errors.DagsterDbtCliRuntimeError: The dbt CLI process with command\n\n`dbt build`\n\nfailed."
            f"\n\nErrors parsed from dbt logs:\n\n{number} of 173 FAIL 1 unique_accounts ............. [FAIL 1 in {seconds}s]"
            "\n\n[ERROR]: in test unique_accounts (models/marts/common/_common.yml)\n\n  Got 1 result, not 0\n"
        )
        return error_line(SerializableErrorInfo(message, [], "DagsterDbtCliRuntimeError"))

    assert line(80, 0.08) == line(81, 1.25) == "in test unique_accounts (models/marts/common/_common.yml)"


@dg.asset(check_specs=[dg.AssetCheckSpec(name, asset="rounds") for name in ("unique_rounds", "few_rejected", "fine")])
def rounds(context: dg.AssetExecutionContext) -> Iterator[Any]:
    """An asset with a check that fails, one that warns, and one that passes; the run succeeds."""
    yield dg.MaterializeResult()
    yield dg.AssetCheckResult(
        check_name="unique_rounds",
        passed=False,
        metadata={"rows": 12, "example": "r1,\nr2"},
        severity=dg.AssetCheckSeverity.ERROR,
    )
    yield dg.AssetCheckResult(check_name="few_rejected", passed=False, severity=dg.AssetCheckSeverity.WARN)
    yield dg.AssetCheckResult(check_name="fine", passed=True)


def test_failed_checks_of_a_run_are_told_once_a_day(home: Home, told_robot: Robot) -> None:
    with instance_of(home) as instance:
        checks = watches(alert_sensors(home), instance)["alert_failed_checks"]
        assert checks.tick() == "0 failed checks in the runs of late, each told once"
        tags = {"dagster/asset_partition_range_start": "2025-10-01", "dagster/asset_partition_range_end": "2025-10-03"}
        run = dg.materialize([rounds], instance=instance, tags=tags)
        assert run.success
        assert checks.tick() == "2 failed checks in the runs of late, each told once"
        where = f"[Dagster, run {run.run_id[:8]}]"
        assert told_robot.contents == [
            "kefu: check failed (2)\n"
            f"unique_rounds of rounds (2025-10-01 to 2025-10-03) failed, rows: 12, such as: r1, r2 {where}\n"
            f"few_rejected of rounds (2025-10-01 to 2025-10-03) warns {where}"
        ]
        dg.materialize([rounds], instance=instance)
        checks.tick()
        assert len(told_robot.contents) == 1


def test_another_bad_day_is_told_and_the_same_one_is_not(home: Home, told_robot: Robot) -> None:
    @dg.asset(
        partitions_def=dg.DailyPartitionsDefinition("2025-10-01"), check_specs=[dg.AssetCheckSpec("unique_days", asset="by_day")]
    )
    def by_day(context: dg.AssetExecutionContext) -> Iterator[Any]:
        yield dg.MaterializeResult()
        for day in ("2025-10-02", context.run.tags["bad"]):
            context.log_event(
                dg.AssetCheckEvaluation(by_day.key, "unique_days", passed=False, metadata={"rows": 2}, partition=day)
            )
        yield dg.AssetCheckResult(check_name="unique_days", passed=False)

    tags = {"dagster/asset_partition_range_start": "2025-10-01", "dagster/asset_partition_range_end": "2025-10-09"}
    with instance_of(home) as instance:
        checks = watches(alert_sensors(home), instance)["alert_failed_checks"]
        checks.tick()
        for bad in ("2025-10-02", "2025-10-04"):
            dg.materialize([by_day], instance=instance, tags={**tags, "bad": bad})
            checks.tick()
    told = [line.split(" [")[0] for content in told_robot.contents for line in content.splitlines()[1:]]
    assert told == [f"unique_days of by_day (2025-10-0{day}) failed, rows: 2" for day in (2, 4)]
