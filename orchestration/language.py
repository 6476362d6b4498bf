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
NUMBER = re.compile("-?[0-9.,:]+")
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
        if (values := pattern.values(bare)) is not None:
            told = {field: in_chinese(value) for field, value in values.items()}
            return english.replace(bare, pattern.chinese.format(**told))
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
    words: tuple[str, ...]  # before, between and after the fields
    fields: tuple[str, ...]
    chinese: str

    def values(self, text: str) -> dict[str, str] | None:
        """What stands in the fields, each as short as can be; None where the words are not there. No regular expression: those
        of so many fields take for ever on a long line that repeats itself.
        """
        first, *between, last = self.words
        at, end = len(first), len(text) - len(last)
        if at > end or not (text.startswith(first) and text.endswith(last)):
            return None
        values = []
        for words in between:
            found = text.find(words, at, end)
            if found < 0:
                return None
            values.append(text[at:found])
            at = found + len(words)
        named = dict(zip(self.fields, [*values, text[at:end]], strict=True))
        are_numbers = all(NUMBER.fullmatch(value.strip()) for field, value in named.items() if field in NUMBERS)
        return named if are_numbers else None


@cache
def _patterns() -> list[_Pattern]:
    """The sentences with fields, those with most words first."""
    parts = {english: re.split(r"\{(\w+)\}", english) for english in sentences()}
    made = [
        _Pattern(tuple(split[::2]), tuple(split[1::2]), sentences()[english])
        for english, split in parts.items()
        if len(split) > 1
    ]
    return sorted(made, key=lambda pattern: -sum(map(len, pattern.words)))


def _read(path: Path) -> dict[str, str]:
    with open(path, encoding="utf-8") as file:
        return {str(message.id): str(message.string) for message in read_po(file, locale="zh") if message.id and message.string}
