"""`kefu simulate`: what the figures of a range would be under other rules, or with other answers. Nothing published is touched.

The models of the build run over a copy of the home's warehouse, with the dates of the range to rebuild. What is to be otherwise
is changed in the copy between two of their steps.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from orchestration.build.state import Dates, opened
from orchestration.build.steps import OF_MOMENTS
from orchestration.errors import KefuError
from orchestration.home import Home, one_writer, open_home, published_home, scratch
from orchestration.simulate.changes import ANSWERED, EXCLUSIONS, Changes, change_answers, change_exclusions, change_rules
from orchestration.simulate.comparison import compare, last_days, marts_of_months

Report = Callable[[str], None]


def simulate(
    home_path: Path, changes: Changes, *, since: date | None, until: date | None, to: Path | None, report: Report
) -> None:
    """Works out a range under changes, reports how it compares with what is published, and writes the comparison to `to`.

    The range is the last 30 days with figures where it is not said. KefuError where a change names what there is not, or the home
    has something to build.
    """
    home = published_home(home_path)
    first, last = last_days(home, since, until)
    with _copy(home) as copy:
        from orchestration.build.dbt import models_with, run_dbt  # dbt takes three seconds to import

        with opened(copy) as state:
            if state.is_anything_pending():
                raise KefuError(f"{home.path} has something to build: build first, so that only the changes differ")
            change_rules(state.connection, changes, first, last)
            state.begin(Dates(first, last, with_touched=False), full_refresh=False)
        done: list[str] = []

        def run(*models: str) -> None:
            """Has dbt run models and what they need, but for what has run."""
            if models:
                needed = ["--select", *(f"+{model}" for model in models)]
                run_dbt(copy, ["run", *needed, "--exclude", OF_MOMENTS, "config.materialized:view", *done], report)
                done.extend(f"+{model}" for model in models)

        if changes.are_of_answers:
            answered = models_with(copy, ANSWERED)
            run(*(node["name"] for node in answered))
            with opened(copy) as state:
                for node in answered:
                    change_answers(state.connection, node, changes)
        if changes.without:
            run(EXCLUSIONS)
            with opened(copy) as state:
                change_exclusions(state.connection, changes)
        run("service_metrics", *marts_of_months(home))
        compare(home, copy, first, last, to, report)


@contextmanager
def _copy(home: Home) -> Iterator[Home]:
    """A home with a copy of the warehouse, gone afterwards."""
    if not home.warehouse.exists():
        raise KefuError(f"{home.path} has no warehouse.duckdb: build first")
    if home.spark.exists():
        raise KefuError(
            f"{home.path} was built on Spark, and simulate computes on DuckDB: build it once with --engine duckdb, "
            "or simulate in a home beside it"
        )
    with scratch(home.temporary) as folder:
        copy = open_home(Path(folder, "home"))
        with one_writer(home), home.connect(read_only=True):  # others may read it all the while, and none writes
            for file in home.path.glob(f"{home.warehouse.name}*"):  # the database, and its log where a build was killed
                shutil.copyfile(file, copy.path / file.name)
            shutil.copytree(home.dbt, copy.dbt, dirs_exist_ok=True)  # the project as dbt has read it
        (copy.path / home.published.name).symlink_to(home.published.resolve())
        yield copy
