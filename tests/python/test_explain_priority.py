from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from harness import kefu, query

from orchestration.explain import explanation
from orchestration.explain.text import render

pytestmark = pytest.mark.readers


def test_every_entry_explains(built_homes: dict[str, Path]) -> None:
    home = built_homes["case101"]
    entries = query(
        home,
        """
        select entry_id, outcome, prompt_suppressed_by, expected_prompt_text_key, prompt_as_expected, is_double_priority
        from marts.taobao_priority_receptions
        """,
    )
    with duckdb.connect(str(home / "warehouse.duckdb"), read_only=True) as connection:
        for entry_id, outcome, suppressed_by, text_key, prompt_as_expected, is_double in entries:
            found = explanation(connection, f"taobao-entry-{entry_id}")
            assert found is not None
            text = render(found)
            assert ("Prioritised" in text) == (outcome == "prioritised"), entry_id
            assert ("Failed" in text) == (outcome == "failed_no_agent"), entry_id
            assert ("(T-88)" in text) == (suppressed_by == "within_8h"), entry_id
            assert ("entered before" in text) == (suppressed_by == "within_8h"), entry_id
            assert ("(T-86)" in text) == (text_key is not None), entry_id
            assert ("(T-91)" in text) == is_double, entry_id
            prompt = found.verdict[-1][1][0]
            assert ("not as expected" in prompt) != prompt_as_expected, entry_id
            assert "None" not in text, entry_id
    assert len(entries) > 200


def test_an_entry_by_its_id(built_homes: dict[str, Path]) -> None:
    outcome = kefu("explain", "taobao-entry-n0004004", "--home", built_homes["case101"])
    assert outcome.code == 0, outcome.err
    assert outcome.out.startswith("Entry 进线 taobao-entry-n0004004\n")
    assert "Prioritised 优先接待: straight to a human (T-84)" in outcome.out


def test_an_entry_that_is_not_there(built_homes: dict[str, Path]) -> None:
    home = built_homes["case101"]
    outcome = kefu("explain", "taobao-entry-nothing", "--home", home)
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.err == f"kefu: no round taobao-entry-nothing in --home {home}\n"
