"""What people read, in Chinese and in English: English stands in the code, Chinese in one catalogue, locale/zh.po.

KEFU_LANG is zh or en; without it Chinese where the locale is.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

CATALOGUE = Path(__file__).parent / "locale" / "zh.po"
VARIABLES = ("KEFU_LANG", "LC_ALL", "LC_MESSAGES", "LANG")  # of which the first that is set decides


def language() -> str:
    """zh or en."""
    wanted = next((os.environ[name] for name in VARIABLES if os.environ.get(name)), "")
    return "zh" if wanted.lower().startswith("zh") else "en"


def _(english: str) -> str:
    """An English text in the language of who reads it."""
    return chinese().get(english, english) if language() == "zh" else english


def figure(value: float, unit: str) -> str:
    """A share or a number of seconds, as people read it."""
    return f"{value:.2%}" if unit == "share" else _("{seconds} s").format(seconds=f"{value:,.1f}")


@cache
def chinese() -> dict[str, str]:
    """The catalogue: Chinese by English."""
    with open(CATALOGUE, encoding="utf-8") as file:
        return {str(message.id): str(message.string) for message in read_po(file, locale="zh") if message.id and message.string}
