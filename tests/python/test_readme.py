"""The Chinese README says what the English one says: the same parts, commands, tables and links."""

from __future__ import annotations

import re

from orchestration.home import PROJECT

ENGLISH, CHINESE = ((PROJECT / name).read_text(encoding="utf-8") for name in ("README.md", "README.zh-CN.md"))
# The English page alone prints what the demo prints, and has the drawing.
OF_ONE = {"docs/landing.md", "README.md#how-data-flows", "README.md", "README.zh-CN.md"}


def parts(text: str) -> list[tuple[int, int]]:
    """Of each heading its level, and of what is below it the number of rows of tables."""
    sections = re.split(r"^(#+) .*$", text, flags=re.MULTILINE)[1:]
    return [(len(level), len(re.findall(r"^\|", body, re.MULTILINE))) for level, body in zip(*[iter(sections)] * 2, strict=True)]


def commands(text: str) -> list[str]:
    """What is to be typed, without what is said of it."""
    lines = re.findall(r"^    (?:    )?((?:make|\.venv|landing/|select|from|where|order by) ?.*)$", text, re.MULTILINE)
    return [re.split(r"\s+# ", line)[0].strip() for line in lines]


def first_cells(text: str) -> list[str]:
    return [cell for cell in re.findall(r"^\| (.*?) \|", text, re.MULTILINE) if "`" in cell]


def links(text: str) -> set[str]:
    return set(re.findall(r"\]\(([^)]+)\)", text)) - OF_ONE


def test_the_chinese_readme_is_in_step() -> None:
    assert parts(CHINESE) == parts(ENGLISH)
    assert commands(CHINESE) == commands(ENGLISH)
    assert len(commands(CHINESE)) > 15
    assert first_cells(CHINESE) == first_cells(ENGLISH)
    assert links(CHINESE) == links(ENGLISH)
    figures = r"^\| \w+ \| 20.*? \| (.*) \|$"
    assert re.findall(figures, CHINESE, re.MULTILINE) == re.findall(figures, ENGLISH, re.MULTILINE)
