"""An alert, and the one message that tells several of a kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from orchestration.language import _, localized

MOST_LINES = 20


class Kind(StrEnum):
    """What an alert is about; alerts of one kind and tick share a message."""

    AT_RISK = "answer due soon"
    MISSED = "answer missed"
    SPARE = "one message to the limit"
    RUN = "run failed"
    CHECK = "check failed"
    DELIVERY = "delivery missing"
    METRIC = "metric off its target"
    RATING = "dissatisfied rating"
    REJECTION = "rejection click rate"
    RECONCILIATION = "official figure differs"


@dataclass(frozen=True)
class Alert:
    """An alert is told once for its cause, in one line of text."""

    cause: str
    kind: Kind
    text: str


@dataclass(frozen=True)
class Message:
    title: str
    text: str
    shown: int  # how many alerts it tells


def message_of(alerts: Sequence[Alert], longest: int) -> Message:
    """The first alerts of one kind as one message: at most 20 lines and `longest` bytes, title included; the rest is counted."""
    number = f" ({len(alerts)})" if len(alerts) > 1 else ""
    title = f"kefu: {_(alerts[0].kind)}{number}"
    lines: list[str] = []
    for alert in alerts[:MOST_LINES]:
        line = _line(alert)
        if _bytes(title, *lines, line, _rest(len(alerts))) > longest:
            break
        lines.append(line)
    if not lines:  # one that is too long by itself
        room = longest - _bytes(title, "…", _rest(len(alerts)), "")
        lines.append(_line(alerts[0]).encode()[:room].decode(errors="ignore") + "…")
    left = len(alerts) - len(lines)
    return Message(title, "\n".join([*lines, *([_rest(left)] if left else [])]), len(lines))


def _line(alert: Alert) -> str:
    """The text as one line of what can be seen: ids in it are whatever an export holds."""
    return "".join(letter if letter.isprintable() else "?" for letter in " ".join(alert.text.split()))


def _rest(count: int) -> str:
    return localized(f"and {count} more")


def _bytes(*lines: str) -> int:
    return len("\n".join(lines).encode())
