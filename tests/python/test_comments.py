"""What the marts say of their tables and columns, they say in English, then in Chinese."""

from __future__ import annotations

import re
from pathlib import Path

from harness import query

ENGLISH_THEN_CHINESE = re.compile("[^\u4e00-\u9fff]*[A-Za-z][^\u4e00-\u9fff]* / .*[\u4e00-\u9fff].*")


def test_every_table_and_column_has_a_comment_in_both_languages(built_homes: dict[str, Path]) -> None:
    comments = query(
        built_homes["case103"],
        """
        select table_name, comment from duckdb_tables() where schema_name = 'marts'
        union all select view_name, comment from duckdb_views() where schema_name = 'marts'
        union all select table_name || '.' || column_name, comment from duckdb_columns() where schema_name = 'marts'
        order by all
        """,
    )
    assert len(comments) > 400
    wrong = [
        f"{name}: {comment}"
        for name, comment in comments
        if not comment or not ENGLISH_THEN_CHINESE.fullmatch(comment) or comment.count(" / ") > 1
    ]
    assert wrong == []
