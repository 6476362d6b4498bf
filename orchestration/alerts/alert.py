"""An alert, and the one message that tells several of a kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

MOST_LINES = 20


class Kind(StrEnum):
    """What an alert is about; alerts of one kind and tick share a message."""

    RUN = "run failed"
    CHECK = "check failed"
    DELIVERY = "delivery missing"
    METRIC = "metric off its target"
    RATING = "dissatisfied rating"
    REJECTION = "rejection click rate"


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


def message_of(alerts: Sequence[Alert], longest: int) -> Message:
    """Alerts of one kind as one message: at most 20 lines and `longest` bytes, title included; the rest is counted."""
    number = f" ({len(alerts)})" if len(alerts) > 1 else ""
    title = f"kefu: {alerts[0].kind}{number}"
    lines: list[str] = []
    for alert in alerts[:MOST_LINES]:
        if _bytes(title, *lines, alert.text, _rest(len(alerts))) > longest:
            break
        lines.append(alert.text)
    if not lines:  # one that is too long by itself
        room = longest - _bytes(title, "…", _rest(len(alerts)), "")
        lines.append(alerts[0].text.encode()[:room].decode(errors="ignore") + "…")
    left = len(alerts) - len(lines)
    return Message(title, "\n".join([*lines, *([_rest(left)] if left else [])]))


def _rest(count: int) -> str:
    return f"and {count} more"


def _bytes(*lines: str) -> int:
    return len("\n".join(lines).encode())
