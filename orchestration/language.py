"""What people read, in Chinese and in English: English stands in the code, Chinese in catalogues below locale/.

Words and titles are looked up where they are put together: `_`, by locale/zh.po. Sentences are said, and kept in tables, in
English, and looked up when somebody reads them: `localized`, by the patterns of locale/sentences/*.po.
KEFU_LANG is zh or en; without it Chinese where the locale is.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from babel.messages.pofile import read_po

LOCALE = Path(__file__).parent / "locale"
CATALOGUE = LOCALE / "zh.po"
SENTENCES = LOCALE / "sentences"
VARIABLES = ("KEFU_LANG", "LC_ALL", "LC_MESSAGES", "LANG")  # of which the first that is set decides
NUMBERS = {"count", "total", "number", "seconds", "percent"}  # fields of sentences that hold nothing but a number
STOPS = {"; ": "；", ", ": "，"}  # between what is said one after the other


def language() -> str:
    """zh or en."""
    wanted = next((os.environ[name] for name in VARIABLES if os.environ.get(name)), "")
    return "zh" if wanted.lower().startswith("zh") else "en"


def _(english: str) -> str:
    """An English text in the language of who reads it."""
    return chinese().get(english, english) if language() == "zh" else english


def localized(english: str) -> str:
    """An English sentence with its values in it, in the language of who reads it."""
    return in_chinese(english) if language() == "zh" else english


def figure(value: float, unit: str) -> str:
    """A share or a number of seconds, as people read it."""
    return f"{value:.2%}" if unit == "share" else _("{seconds} s").format(seconds=f"{value:,.1f}")


@cache
def chinese() -> dict[str, str]:
    """The catalogue of words: Chinese by English."""
    return _read(CATALOGUE)


def in_chinese(english: str) -> str:
    """A sentence by the catalogues: the whole, by the pattern with most words in it, or part by part. What nobody knows stays.

    What stands in a pattern's fields is a sentence itself, or a value.
    """
    bare = english.strip()
    if known := sentences().get(bare):
        return english.replace(bare, known)
    for pattern in _patterns():
        if pattern.longest_words in bare and (found := pattern.form.fullmatch(bare)):
            values = {field: in_chinese(value) for field, value in found.groupdict().items()}
            return english.replace(bare, pattern.chinese.format(**values))
    for stop, chinese_stop in STOPS.items():
        if stop in english:
            parts = english.split(stop)
            in_words = [in_chinese(part) for part in parts]
            if in_words != parts:
                return chinese_stop.join(in_words)
    return english


@cache
def sentences() -> dict[str, str]:
    """The catalogues of sentences: Chinese by English."""
    return {english: known for path in sorted(SENTENCES.glob("*.po")) for english, known in _read(path).items()}


@dataclass(frozen=True)
class _Pattern:
    form: re.Pattern[str]
    longest_words: str
    chinese: str


@cache
def _patterns() -> list[_Pattern]:
    """The sentences with fields, those with most words first."""
    made = []
    for english, known in sentences().items():
        words = re.split(r"\{(\w+)\}", english)
        if len(words) > 1:
            fields = [rf"(?P<{field}>{'-?[0-9.,:]+' if field in NUMBERS else '.*?'})" for field in words[1::2]]
            form = "".join(re.escape(part) + field for part, field in zip(words[::2], [*fields, ""], strict=True))
            made.append((sum(map(len, words[::2])), _Pattern(re.compile(form, re.DOTALL), max(words[::2], key=len), known)))
    return [pattern for _length, pattern in sorted(made, key=lambda each: -each[0])]


def _read(path: Path) -> dict[str, str]:
    with open(path, encoding="utf-8") as file:
        return {str(message.id): str(message.string) for message in read_po(file, locale="zh") if message.id and message.string}
