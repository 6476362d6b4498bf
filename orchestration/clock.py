"""The machine's clock, read in this one place. It dates what was landed and published; no figure depends on it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo


def beijing_now() -> datetime:
    """Now, as the naive Beijing time in which all times are kept."""
    return datetime.now(ZoneInfo("Asia/Shanghai")).replace(tzinfo=None)
