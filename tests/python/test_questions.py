"""The questions of analyses/: each has its SQL, and on the demo the answer that its page shows."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from harness import build
from questions import FOLDER, PAGE, answer, page, questions

from orchestration.home import open_home
from orchestration.sample.demo import DAYS, SAMPLE, deliver_last_day
from orchestration.sample.generate import generate
from orchestration.sample.official import publish_official_figures

pytestmark = pytest.mark.readers


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home of the demo's files, which came as they do in the demo: all but the last day, that day, the official figures."""
    folder = tmp_path_factory.mktemp("demo")
    generate(folder / "landing", **SAMPLE | {"days": DAYS - 1}, report=lambda _: None)
    build(folder / "landing", folder / "home")
    assert deliver_last_day(folder / "landing")
    build(folder / "landing", folder / "home")
    assert publish_official_figures(folder / "landing", open_home(folder / "home"))
    build(folder / "landing", folder / "home")
    return folder / "home"


def test_the_page_shows_what_the_demo_answers(home: Path) -> None:
    assert len(questions()) == 20
    assert PAGE.read_text(encoding="utf-8") == page(home), "make questions"


def test_every_question_has_an_answer(home: Path) -> None:
    """On the demo's shops, which show each thing that the product can show; but for what the sample has nothing of."""
    with duckdb.connect(str(home / "kefu.duckdb"), read_only=True) as connection:
        empty = [question.name for question in questions() if not answer(connection, question).fetchall()]
    assert empty == ["what_missing_tables_cost"], "it has every table"


def test_each_question_stands_in_both_languages() -> None:
    for path in FOLDER.glob("*.sql"):
        english, chinese, empty = path.read_text(encoding="utf-8").split("\n")[:3]
        assert english.startswith("-- ") and english.endswith("?"), path.name
        assert chinese.startswith("-- ") and chinese.endswith("？") and not empty, path.name
