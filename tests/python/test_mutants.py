"""The kept list of mutants applies to the project as it is, and what a run of it says is so."""

from __future__ import annotations

import re
import sys
from collections import Counter
from pathlib import Path

import pytest
from mutants import run
from mutants.run import Mutant

from orchestration.home import PROJECT

HOUSE = "tests/python/test_sql.py::test_nothing_but_sql_py_puts_quotes_around_a_value"
NOTICED = Mutant("noticed", "orchestration/clock.py", "    return datetime", "    found = f\"'{1}'\"\n    return datetime", HOUSE)
UNNOTICED = Mutant("unnoticed", "orchestration/clock.py", "Beijing time in", "local time in", HOUSE)


def test_every_mutant_applies_and_its_test_is_there() -> None:
    mutants = run.read_list()
    assert len(mutants) >= 60
    assert max(Counter(mutant.name for mutant in mutants).values()) == 1
    models = "\n".join(path.read_text(encoding="utf-8") for path in (PROJECT / "models").rglob("*__unit_tests.yml"))
    unit_tests = Counter(re.findall(r"^  - name: (\w+)$", models, re.MULTILINE))
    for mutant in mutants:
        file, _, test = mutant.killed_by.partition("::")
        if test:
            assert f"def {test.partition('[')[0]}(" in (PROJECT / file).read_text(encoding="utf-8"), mutant
        else:
            assert unit_tests[file] == 1, mutant


def test_a_mutant_that_does_not_apply_is_told(tmp_path: Path) -> None:
    path = tmp_path / "mutants.yml"
    path.write_text("[{name: x, file: orchestration/clock.py, old: no such text, new: y, killed_by: z}]", encoding="utf-8")
    with pytest.raises(SystemExit, match=re.escape("x: its old text stands 0 times in orchestration/clock.py, not once")):
        run.read_list(path)


def test_a_sample_is_that_of_its_date_and_quick() -> None:
    mutants = run.read_list()
    first, again, other = (run.sample_of(mutants, 8, day) for day in ("2025-10-01", "2025-10-01", "2025-10-02"))
    assert first == again != other
    assert len(set(first)) == 8
    assert sum(mutant.is_slow for mutant in first) <= run.MAX_SLOW


def test_a_batch_has_one_mutant_of_a_model_and_macros_alone() -> None:
    model, macro = Mutant("m", "models/a.sql", "x", "y", "t"), Mutant("macro", "macros/a.sql", "x", "y", "t")
    other = Mutant("o", "models/b.sql", "x", "y", "t")
    assert run.batches_of([macro, model, model, other, macro]) == [[macro], [model, other], [model], [macro]]


def test_a_mutant_that_survives_is_shown_with_its_change(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run, "read_list", lambda: [NOTICED, UNNOTICED])
    monkeypatch.setattr(sys, "argv", ["run"])
    assert run.main() == 1
    told = capsys.readouterr().out
    assert "killed    noticed\n" in told
    assert "SURVIVED  unnoticed: orchestration/clock.py\n  - Beijing time in\n  + local time in\n" in told
    assert "1 of 2 mutants killed" in told
