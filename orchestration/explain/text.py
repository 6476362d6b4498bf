"""How an explanation is laid out as plain text."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from itertools import groupby

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
    """A line of the timeline. mark: what it is to the round. matters: it is shown, and what is around it."""

    at: datetime
    who: str
    words: str
    what: str
    mark: str = ""
    matters: bool = False


@dataclass(frozen=True)
class Finding:
    """An exclusion reason or remark: its clause, what it says, and what it rests on."""

    reason: str
    clause_id: str
    title_en: str
    title_zh: str
    description: str
    evidence: str

    def lines(self, place: int) -> tuple[str, str, str]:
        title = f"    {place}. {self.clause_id} {self.title_en} {self.title_zh} [{self.reason}]"
        return title, f"       {self.description}", f"       - {self.evidence}"


@dataclass(frozen=True)
class Explanation:
    title: str
    header: Sequence[tuple[str, str]]
    day: date  # entries of other dates are shown with their date
    entries: Sequence[Entry]
    verdict: Sequence[tuple[str, Sequence[str]]]  # a headline, and the sentences under it
    findings: Sequence[Finding] = field(default_factory=list)


def render(explanation: Explanation) -> str:
    return "\n".join(
        [
            explanation.title,
            *table([(f"  {name}", value) for name, value in explanation.header]),
            f"\nTimeline 时间线 (times without a date are of {explanation.day})",
            *timeline(explanation.entries, explanation.day),
            "\nVerdict 结论",
            *(line for headline, told in explanation.verdict for line in (f"  {headline}", *(f"    {one}" for one in told))),
            *(line for place, finding in enumerate(explanation.findings, start=1) for line in finding.lines(place)),
        ]
    )


def timeline(entries: Sequence[Entry], day: date) -> list[str]:
    rows: list[tuple[str, ...] | str] = []
    for stretch in stretches(entries, day):
        if isinstance(stretch, Entry):
            what = stretch.what
            rows.append((stretch.mark and f"{stretch.mark} >", clock(stretch.at, day), stretch.who, stretch.words, what))
        else:
            first, last = clock(stretch[0].at, day), clock(stretch[-1].at, day)
            rows.append(f"… {len(stretch)} more, {first} to {last} …")
    lines = iter(table([row for row in rows if isinstance(row, tuple)], right=(0, 1)))
    indent = " " * (3 + max((width(row[0]) for row in rows if isinstance(row, tuple)), default=0))
    return [f"{indent}{row}" if isinstance(row, str) else f" {next(lines)}" for row in rows]


def stretches(entries: Sequence[Entry], day: date) -> list[Entry | Sequence[Entry]]:
    """The entries from a little before to a little after all that matters, at least the day's; in place of long quiet parts
    what they hold."""
    matters = [index for index, entry in enumerate(entries) if entry.matters]
    of_day = [index for index, entry in enumerate(entries) if entry.at.date() == day]
    shown = {near for index in matters for near in range(index - CONTEXT, index + CONTEXT + 1) if 0 <= near < len(entries)}
    ends = [*shown, *of_day]
    result: list[Entry | Sequence[Entry]] = []
    for is_shown, indexes in groupby(range(min(ends, default=0), max(ends, default=-1) + 1), key=shown.__contains__):
        part = [entries[index] for index in indexes]
        result += part if is_shown or len(part) <= SHORTEST_GAP else [part]
    return result


def table(rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Rows as lines with aligned columns; the columns of these numbers stand to the right."""
    widths = [max(map(width, column)) for column in zip(*rows, strict=True)]

    def cell(text: str, column: int) -> str:
        space = " " * (widths[column] - width(text))
        return space + text if column in right else text + space

    return ["  ".join(cell(text, column) for column, text in enumerate(row)).rstrip() for row in rows]


def width(text: str) -> int:
    """Columns that a text takes in a terminal: a Chinese character takes two."""
    return sum(_width(character) for character in text)


def _width(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Cf", "Mn", "Me"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def shorten(content: str | None, limit: int = CONTENT_WIDTH) -> str:
    """A message's content on one line that cannot upset a terminal."""
    text = (content or "")[: 20 * limit].replace("\r\n", "\n").replace("\n", "⏎").replace("\r", "⏎")
    line = "".join(" " if unicodedata.category(c) == "Cc" else c for c in text if unicodedata.category(c) != "Cf").strip()
    if width(line) <= limit:
        return line
    while width(line) >= limit:
        line = line[:-1]
    return line.rstrip() + "…"


def named(identifier: str, *details: str | None) -> str:
    given = ", ".join(shorten(detail) for detail in details if detail)
    return f"{identifier} ({given})" if given else identifier


def clock(at: datetime, day: date) -> str:
    """A time to the millisecond, with its date where that is not the day."""
    time = at.time().isoformat("milliseconds")
    return time if at.date() == day else f"{at.date()} {time}"


def moment(at: datetime) -> str:
    """A time with its date, to the millisecond."""
    return at.isoformat(" ", "milliseconds")


def duration(length: timedelta) -> str:
    """A length to the millisecond, in seconds, and from a minute on in larger units too: 200.000 s (3 min 20.000 s)."""
    milliseconds = length // timedelta(milliseconds=1)
    seconds = f"{milliseconds // 1000:,}.{milliseconds % 1000:03} s"
    if milliseconds < 60_000:
        return seconds
    minutes, rest = divmod(milliseconds, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{seconds} ({f'{hours} h ' if hours else ''}{minutes} min {rest // 1000}.{rest % 1000:03} s)"


def number(count: int, thing: str) -> str:
    """Such as 1 star, 2 stars."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def whole_seconds(length: timedelta) -> str:
    """A parameter such as 180 s."""
    return f"{length.total_seconds():g} s"


def hour(since_midnight: timedelta) -> str:
    """A time of the day such as 09:00 or 24:00."""
    minutes, seconds = divmod(int(since_midnight.total_seconds()), 60)
    return f"{minutes // 60:02}:{minutes % 60:02}" + (f":{seconds:02}" if seconds else "")
