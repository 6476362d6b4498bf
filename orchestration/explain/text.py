"""How an explanation is laid out as plain text."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from rich.cells import cell_len, set_cell_size

from orchestration.language import _, language, localized

Row = dict[str, Any]

PLATFORMS = {"taobao": "Taobao 淘宝", "tmall": "Tmall 天猫", "kuaishou": "Kuaishou 快手", "xiaohongshu": "Xiaohongshu 小红书"}
ACCOUNT_TYPES = {
    "main": "main 主账号",
    "sub": "sub 子账号",
    "proxy": "proxy 代理账号",
    "service_assistant": "service assistant 服务助手",
}

AUTHORS = {
    "user": "user 用户",
    "agent": "agent 人工客服",
    "assist_bot": "assist bot 智能辅助",
    "auto_bot": "full-auto bot 全自动机器人",
    "bot": "bot 智能客服",
    "greeting": "greeting 自动问候语",
    "system": "system message 系统消息",
}

CONTENT_WIDTH = 60
CONTEXT = 3  # entries shown before and after one that matters
SHORTEST_GAP = 4  # so few entries are rather shown than left out


@dataclass(frozen=True)
class Entry:
    """A line of the timeline. mark: what it is to the round. matters: it is shown in any case, and what is around it."""

    at: datetime
    who: str
    words: str
    what: str
    mark: str = ""
    matters: bool = True


@dataclass(frozen=True)
class Explanation:
    title: str
    header: Sequence[tuple[str, str]]
    day: date  # entries of other dates are shown with their date
    entries: Sequence[Entry]
    verdict: Sequence[tuple[str, Sequence[str]]]  # a headline, and the sentences under it
    findings: Sequence[Row] = ()  # exclusion reasons and remarks, each with its clause and what it rests on


def render(explanation: Explanation) -> str:
    day, lines = explanation.day, [localized(explanation.title)]
    lines += table([(f"  {localized(name)}", localized(value)) for name, value in explanation.header])
    if explanation.entries:
        lines += ["\n" + localized(f"Timeline 时间线 (times without a date are of {day})"), *timeline(explanation.entries, day)]
    lines.append("\n" + localized("Verdict 结论"))
    for headline, sentences in explanation.verdict:
        lines += [f"  {localized(headline)}", *(f"    {localized(sentence)}" for sentence in sentences)]
    for place, one in enumerate(explanation.findings, start=1):
        lines.append(f"    {place}. {one['clause_id']} {said(one, 'title')} [{one['reason']}]")
        evidence = _("; ").join(localized(part) for part in one["evidence"].split("; "))  # several rows can be the cause
        lines += [f"       {localized(one['remark'] + said(one, 'text'))}", f"       - {evidence}"]
    return "\n".join(lines)


def timeline(entries: Sequence[Entry], day: date) -> list[str]:
    lines = [
        (one.mark and localized(f"{one.mark} >"), clock(one.at, day), localized(one.who), localized(one.words), one.what)
        for one in without_quiet(entries, day)
    ]
    return [f" {line}" for line in table(lines, right=(0, 1))]


def without_quiet(entries: Sequence[Entry], day: date) -> list[Entry]:
    """The entries from a little before to a little after all that matters, at least the day's; in place of long quiet parts
    one that says how many they hold."""
    matters = [index for index, entry in enumerate(entries) if entry.matters]
    of_day = [index for index, entry in enumerate(entries) if entry.at.date() == day]
    shown = {near for index in matters for near in range(index - CONTEXT, index + CONTEXT + 1) if 0 <= near < len(entries)}
    ends = [*shown, *of_day]
    result: list[Entry] = []
    for is_shown, indexes in groupby(range(min(ends, default=0), max(ends, default=-1) + 1), key=shown.__contains__):
        part = [entries[index] for index in indexes]
        if not is_shown and len(part) > SHORTEST_GAP:
            part = [Entry(part[0].at, "…", "…", localized(f"{len(part)} more, to {clock(part[-1].at, day)}"))]
        result += part
    return result


def table(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Rows as lines with aligned columns, a Chinese character being two wide; the columns of these numbers stand to the right."""
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]

    def cell(text: str, column: int) -> str:
        space = " " * (widths[column] - cell_len(text))
        return space + text if column in right else text + space

    return ["  ".join(cell(text, column) for column, text in enumerate(row)).rstrip() for row in rows]


def shorten(content: str | None, limit: int = CONTENT_WIDTH) -> str:
    """A message's content on one line that cannot upset a terminal."""
    text = (content or "")[: 20 * limit].replace("\r\n", "\n").replace("\n", "⏎").replace("\r", "⏎")
    line = "".join(" " if unicodedata.category(c) == "Cc" else c for c in text if unicodedata.category(c) != "Cf").strip()
    return line if cell_len(line) <= limit else set_cell_size(line, limit - 1).rstrip() + "…"


def spoken(kind: str | None, content: str | None) -> str:
    """What is told of a message: its type, and its content as it was written."""
    return ": ".join(part for part in (in_words("message", kind), shorten(content)) if part)


def in_words(kind: str, *codes: str | None) -> str:
    """Codes of the data: themselves in English, in Chinese what codes of that kind are called."""
    given = [code for code in codes if code]
    if language() != "zh":
        return ", ".join(given)
    return localized(", ".join(f"{kind} {code}" for code in given)).replace(f"{kind} ", "")


def said(row: Row, text: str) -> str:
    """A text that a row has in both languages: both of them in English, the Chinese one alone in Chinese."""
    return str(row[f"{text}_zh"]) if language() == "zh" else f"{row[f'{text}_en']} {row[f'{text}_zh']}"


def named(identifier: str, *details: str | None) -> str:
    given = [localized(shorten(detail)) for detail in details if detail]
    if language() == "zh":
        return f"{identifier}（{'，'.join(given)}）" if given else identifier
    return f"{identifier} ({', '.join(given)})" if given else identifier


def clock(at: datetime, day: date | None = None) -> str:
    """A time to the millisecond, with its date where that is not the day."""
    told = at.isoformat(" ", "milliseconds")
    return told if at.date() != day else told.split()[1]


def duration(length: timedelta) -> str:
    """A length to the millisecond, in seconds, and from a minute on in larger units too: 200.000 s (0:03:20)."""
    seconds = length // timedelta(milliseconds=1) / 1000
    return f"{seconds:,.3f} s" + (f" ({timedelta(seconds=int(seconds))})" if seconds >= 60 else "")


def number(count: int, thing: str) -> str:
    """Such as 1 star, 2 stars."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def within(seconds: float, clause: str, is_on_time: bool) -> str:
    """Whether a reply came in the target's time, by a clause in brackets."""
    return f"{'On time 及时: within' if is_on_time else 'Late 超时: not within'} {seconds:g} s{clause}."
