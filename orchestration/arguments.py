"""A parser of arguments whose help and errors are in the language of who reads them."""

from __future__ import annotations

import argparse
import re
import sys
from typing import Any, NoReturn

from rich.cells import cell_len

from orchestration.language import language, localized


class Help(argparse.HelpFormatter):
    """Chinese has no spaces to break lines at, and its characters are two wide."""

    def add_usage(self, usage: Any, actions: Any, groups: Any, prefix: str | None = None) -> None:
        super().add_usage(usage, actions, groups, localized("usage: ") if prefix is None else prefix)

    def start_section(self, heading: str | None) -> None:
        super().start_section(heading and localized(heading))

    def add_text(self, text: str | None) -> None:
        super().add_text(text and localized(text))

    def _expand_help(self, action: argparse.Action) -> str:
        return localized(super()._expand_help(action))

    def _split_lines(self, text: str, width: int) -> list[str]:
        if language() != "zh":
            return super()._split_lines(text, width)
        lines = [""]
        for part in re.findall(r"[!-~]+ ?|.", text):  # Latin words stay whole
            if cell_len(lines[-1] + part.rstrip()) > width:
                lines.append("")
            lines[-1] += part
        return lines


class Parser(argparse.ArgumentParser):
    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings, formatter_class=Help)

    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(2, f"{self.prog}: {localized(f'error: {message}')}\n")
