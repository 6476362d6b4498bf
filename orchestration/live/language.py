"""What `kefu live` says, in Chinese and in English: KEFU_LANG is zh or en; without it Chinese where the locale is."""

from __future__ import annotations

import os
from dataclasses import dataclass

VARIABLES = ("KEFU_LANG", "LC_ALL", "LC_MESSAGES", "LANG")  # of which the first that is set decides


@dataclass(frozen=True)
class Texts:
    waiting: str
    bad: str
    editable: str
    spare: str
    held: str
    nobody: str


ENGLISH = Texts(
    waiting="{platform} {shop} {account}: waits {minutes} since {since}, due {due} ({conversation})",
    bad="{platform} {shop} {account}: {what} rated {value} at {at}",
    editable="; can be changed until {until}, {edits} changes left",
    spare="{shop}: {count} messages in a row to {buyer}; one more brings up the prompt to refuse messages",
    held="and {count} more, held back: too many in a minute",
    nobody="nobody",
)
CHINESE = Texts(
    waiting="{platform} {shop} {account}：{since} 起已等待 {minutes}，应在 {due} 前回复（{conversation}）",
    bad="{platform} {shop} {account}：{what} 于 {at} 被评为 {value}",
    editable="；{until} 前可修改，剩余 {edits} 次",
    spare="{shop}：已向 {buyer} 连续发送 {count} 条消息，再发一条将触发拒收提醒",
    held="另有 {count} 条：一分钟内过多，未逐条发送",
    nobody="无客服",
)


def language() -> str:
    """zh or en."""
    wanted = next((os.environ[name] for name in VARIABLES if os.environ.get(name)), "")
    return "zh" if wanted.lower().startswith("zh") else "en"


def texts() -> Texts:
    return CHINESE if language() == "zh" else ENGLISH
