"""The ways an alert takes: robots of group chats (群机器人) and e-mail. A robot's address is a secret: it holds its token."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import logging
import smtplib
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from ipaddress import ip_address
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

import requests

from orchestration.errors import KefuError

TIMEOUT_SECONDS = 10
IMPLICIT_TLS_PORT = 465  # the other ports begin in clear and change over with STARTTLS
SHORTEST_SECRET = 6  # a shorter part of an address hides nothing

MARKUP = str.maketrans({"<": "＜", ">": "＞", "@": "＠", "`": "'"})  # as full-width signs, which read the same

# urllib3 writes whole addresses to its debug log.
logging.getLogger("urllib3.connectionpool").setLevel(logging.INFO)


class TransportError(Exception):
    """A message was not taken. One line that holds no secret."""


class NotReachedError(TransportError):
    """Nobody takes a message, this one or another."""


class Transport(Protocol):
    @property
    def name(self) -> str:
        """The name under which the outbox remembers what it has been given."""

    @property
    def longest_text(self) -> int:
        """Bytes of UTF-8 that title and text together may have."""

    def send(self, title: str, text: str) -> None:
        """Sends a message; TransportError where it was not taken."""


@dataclass(frozen=True)
class Request:
    """What a robot is sent: query parameters besides those of its address, and a body."""

    query: dict[str, str]
    body: dict[str, Any]


def _signature(key: str, message: str) -> str:
    return base64.b64encode(hmac.new(key.encode(), message.encode(), hashlib.sha256).digest()).decode()


def _dingtalk(content: str, secret: str | None, now: float) -> Request:
    query = {}
    if secret:
        timestamp = str(round(now * 1000))
        query = {"timestamp": timestamp, "sign": _signature(secret, f"{timestamp}\n{secret}")}
    return Request(query, {"msgtype": "text", "text": {"content": content}})


def _feishu(content: str, secret: str | None, now: float) -> Request:
    signed = {}
    if secret:
        timestamp = str(round(now))
        signed = {"timestamp": timestamp, "sign": _signature(f"{timestamp}\n{secret}", "")}
    return Request({}, {**signed, "msg_type": "text", "content": {"text": content}})


def _wecom(content: str, secret: str | None, now: float) -> Request:
    return Request({}, {"msgtype": "text", "text": {"content": content}})


@dataclass(frozen=True)
class Form:
    """How the robots of a chat want their messages (content, secret, seconds since 1970), and the longest content in bytes."""

    request: Callable[[str, str | None, float], Request]
    longest_text: int
    is_signed: bool


FORMS = {
    "dingtalk": Form(_dingtalk, 18_000, is_signed=True),  # 20,000 with everything around it
    "feishu": Form(_feishu, 18_000, is_signed=True),
    "wecom": Form(_wecom, 2_048, is_signed=False),
}


def _plain(content: str) -> str:
    """Text of which a chat makes nothing but text: no mention of everybody (<at user_id="all">, @all), no link, no markup."""
    return content.translate(MARKUP).replace("](", "] (")


@dataclass(frozen=True)
class Webhook:
    """A robot of DingTalk (钉钉), Feishu (飞书) or WeCom (企业微信)."""

    form: str
    url: str = field(repr=False)
    secret: str | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return "webhook"

    @property
    def longest_text(self) -> int:
        return FORMS[self.form].longest_text

    def send(self, title: str, text: str) -> None:
        request = FORMS[self.form].request(_plain(f"{title}\n{text}"), self.secret, time.time())
        try:
            response = requests.post(
                self.url, params=request.query, json=request.body, timeout=TIMEOUT_SECONDS, allow_redirects=False
            )
        except requests.RequestException as error:  # its text holds the address
            raise NotReachedError(f"{self._where} was not reached: {type(error).__name__}") from None
        if response.status_code != 200:
            raise TransportError(f"{self._where} answered with HTTP status {response.status_code}")
        self._check(response.text)

    def _check(self, reply: str) -> None:
        """All three answer 200 when they refuse; the code in the reply tells, 0 being yes."""
        try:
            answer = json.loads(reply)
            code = answer.get("errcode", answer.get("code", answer.get("StatusCode")))
        except (ValueError, AttributeError):
            raise TransportError(f"{self._where} gave no answer of a {self.form} robot") from None
        if code != 0:
            said = self._without_secrets(str(answer.get("errmsg", answer.get("msg", ""))))
            raise TransportError(f"{self._where} refused the message: {code} {said}"[:300])

    @property
    def _where(self) -> str:
        return f"the {self.form} robot at {urlsplit(self.url).hostname}"

    def _without_secrets(self, text: str) -> str:
        address = urlsplit(self.url)
        secrets = [self.url, self.secret or "", *address.path.split("/"), *(value for _, value in parse_qsl(address.query))]
        for secret in secrets:
            if len(secret) >= SHORTEST_SECRET:
                text = text.replace(secret, "***")
        return " ".join(text.split())


@dataclass(frozen=True)
class Mail:
    """E-mail through one server. Only to this machine itself it goes unencrypted, and a password never does."""

    host: str
    port: int
    sender: str
    recipients: tuple[str, ...]
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return "mail"

    @property
    def longest_text(self) -> int:
        return 100_000

    def send(self, title: str, text: str) -> None:
        message = EmailMessage()
        message["Subject"], message["From"], message["To"] = title, self.sender, ", ".join(self.recipients)
        message.set_content(text)
        try:
            with self._connect() as server:
                if self.user is not None and self.password is not None:
                    server.login(self.user, self.password)
                server.send_message(message)
        except smtplib.SMTPResponseException as error:
            # Not what it says: a server may repeat what it was given.
            raise TransportError(f"{self._where} refused with {error.smtp_code} ({type(error).__name__})") from None
        except smtplib.SMTPException as error:
            raise TransportError(f"{self._where} did not take the message: {type(error).__name__}") from None
        except OSError as error:
            raise NotReachedError(f"{self._where} was not reached: {type(error).__name__}") from None

    def _connect(self) -> smtplib.SMTP:
        if self.port == IMPLICIT_TLS_PORT:
            return smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT_SECONDS, context=ssl.create_default_context())
        server = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_SECONDS)
        try:
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=ssl.create_default_context())
            elif self.user is not None:
                raise TransportError(f"{self._where} offers no encryption (STARTTLS), so no password is given to it")
            elif not _is_this_machine(self.host):
                raise TransportError(f"{self._where} offers no encryption (STARTTLS), so nothing is sent to it")
        except BaseException:
            server.close()
            raise
        return server

    @property
    def _where(self) -> str:
        return f"the mail server {self.host}:{self.port}"


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:  # another name
        return False


WEBHOOK, SMTP = "KEFU_ALERT_WEBHOOK_", "KEFU_ALERT_SMTP_"
HOW_TO_CONFIGURE = f"set {WEBHOOK}URL and {WEBHOOK}FORM, or {SMTP}HOST, {SMTP}FROM and {SMTP}TO"


def transports_from(environment: Mapping[str, str]) -> list[Transport]:
    """The transports that the variables KEFU_ALERT_* describe, none without any; KefuError that names one that is wrong."""
    found: list[Transport] = []
    if given := _given(environment, WEBHOOK, ("URL", "FORM", "SECRET")):
        found.append(_webhook(given))
    if given := _given(environment, SMTP, ("HOST", "PORT", "USER", "PASSWORD", "FROM", "TO")):
        found.append(_mail(given))
    return found


def _given(environment: Mapping[str, str], prefix: str, names: tuple[str, ...]) -> dict[str, str]:
    """The variables that are set, by their name after the prefix; one that is empty is not set."""
    unknown = sorted(name for name in environment if name.startswith(prefix) and name.removeprefix(prefix) not in names)
    if unknown:
        raise KefuError(f"{unknown[0]} is no variable of kefu; those are {', '.join(prefix + name for name in names)}")
    values = {name: environment.get(prefix + name, "").strip() for name in names}
    return {name: value for name, value in values.items() if value}


def _required(given: Mapping[str, str], prefix: str, name: str, what: str) -> str:
    if name not in given:
        raise KefuError(f"{prefix}{name} is missing: {what}")
    return given[name]


def _webhook(given: Mapping[str, str]) -> Webhook:
    url = _required(given, WEBHOOK, "URL", "the address of the robot")
    form = _required(given, WEBHOOK, "FORM", f"one of {', '.join(FORMS)}")
    if form not in FORMS:
        raise KefuError(f"{WEBHOOK}FORM is {form}, and has to be one of {', '.join(FORMS)}")
    try:
        address = urlsplit(url)
        is_address = address.scheme in ("https", "http") and bool(address.hostname) and (address.port or 1) > 0
    except ValueError:
        is_address = False
    if not is_address:  # which is not shown: it holds the robot's token
        raise KefuError(f"{WEBHOOK}URL is no address that begins with https:// or http://")
    if "SECRET" in given and not FORMS[form].is_signed:
        raise KefuError(f"{WEBHOOK}SECRET is set, but robots of {form} have none")
    return Webhook(form, url, given.get("SECRET"))


def _mail(given: Mapping[str, str]) -> Mail:
    host = _required(given, SMTP, "HOST", "the name of the mail server")
    sender = _required(given, SMTP, "FROM", "the address that sends")
    recipients = tuple(part.strip() for part in _required(given, SMTP, "TO", "who is told, with commas").split(","))
    for name, address in [("FROM", sender), *(("TO", recipient) for recipient in recipients)]:
        if not address.isprintable() or "@" not in address.strip("@"):
            raise KefuError(f"{SMTP}{name} holds {address!r}, which is no mail address")
    if "USER" in given or "PASSWORD" in given:
        _required(given, SMTP, "USER", f"it goes with {SMTP}PASSWORD")
        _required(given, SMTP, "PASSWORD", f"it goes with {SMTP}USER")
    port = given.get("PORT", "587")
    if not (port.isascii() and port.isdigit() and 0 < int(port) < 65536):
        raise KefuError(f"{SMTP}PORT is {port}, and has to be a number from 1 to 65535")
    return Mail(host, int(port), sender, recipients, given.get("USER"), given.get("PASSWORD"))
