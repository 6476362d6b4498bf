"""Values and names as SQL writes them: nothing else in kefu puts quotes around either."""

from __future__ import annotations


def text(value: object) -> str:
    """An SQL string literal."""
    return "'" + str(value).replace("'", "''") + "'"


def name(identifier: str) -> str:
    """An SQL identifier."""
    return '"' + identifier.replace('"', '""') + '"'
