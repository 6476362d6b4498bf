"""The machine's clock, read in this one place. It dates what was landed and published; no figure depends on it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

BEIJING = ZoneInfo("Asia/Shanghai")


def beijing_now() -> datetime:
    """Now, as the naive Beijing time in which all times are kept."""
    return datetime.now(BEIJING).replace(tzinfo=None)
