"""A table of a report, and its values as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from orchestration.landing.contract import platform_name
from orchestration.language import _, figure

SHARES = ("share", "share_late")  # columns that are shares of one
BY_UNIT = ("value", "target", "official", "computed", "difference")  # columns whose unit stands in the row
SECONDS = ("seconds", "mean_seconds", "median_seconds")


@dataclass(frozen=True)
class Table:
    key: str
    title: str
    columns: Sequence[str]
    rows: Sequence[tuple[Any, ...]]

    @property
    def shown(self) -> Sequence[str]:
        """The columns that people see."""
        return [column for column in self.columns if column != "unit"]

    def dicts(self) -> list[dict[str, Any]]:
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


def heading(column: str) -> str:
    """A column's heading."""
    return _(column.replace("_", " "))


def word(column: str, value: Any) -> Any:
    """A value that is a word, in the reader's language; any other one as it is."""
    if column == "is_met":
        return "" if value is None else _("met") if value else _("not met")
    if column == "platform":
        return platform_name(value)
    return _(value) if column == "status" else value


def kind(column: str, unit: str | None) -> str | None:
    """Whether a number is a share or seconds."""
    if column in SHARES:
        return "share"
    return unit if column in BY_UNIT else "seconds" if column in SECONDS else None


def shown(column: str, value: Any, unit: str | None) -> str:
    """A value as text."""
    if value is None:
        return ""
    if number := kind(column, unit):
        return figure(value, number)
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S}"
    if isinstance(value, float):
        return f"{value:,.0f}" if value == int(value) else f"{value:,.2f}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(word(column, value))
