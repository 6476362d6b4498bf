"""Applies the mutants of mutants.yml to a copy of the project and runs what has to fail there. Exits with 1 where one survives.

Mutants of different models are tested by one run of dbt, as a unit test sees its own model alone; macros, which many models use,
and what a test in Python is to notice, one at a time. Before that the same tests have to pass on the project as it is: else a
failure would tell nothing.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import yaml
from dbt.artifacts.schemas.run import RunExecutionResult
from dbt.cli.main import dbtRunner
from harness import FIXTURES, build

from orchestration.build.dbt import run_dbt
from orchestration.build.steps import OF_MOMENTS
from orchestration.home import PROJECT, open_home

LIST = Path(__file__).with_name("mutants.yml")
COPIED = ("orchestration", "models", "macros", "seeds", "tests")  # what mutants change, and what looks at it; the rest is linked
MAX_SLOW = 2  # of a sample: each runs pytest in a process of its own


@dataclass(frozen=True)
class Mutant:
    name: str
    file: str
    old: str  # stands once in the file
    new: str
    killed_by: str  # a unit test of dbt, or a test of pytest as file::test

    @property
    def is_slow(self) -> bool:
        return "::" in self.killed_by

    def __str__(self) -> str:
        return (
            f"{self.name}: {self.file}\n  - {_indented(self.old)}\n  + {_indented(self.new)}\n  not noticed by {self.killed_by}"
        )


def _indented(text: str) -> str:
    return text.replace("\n", "\n    ")


def read_list(path: Path = LIST) -> list[Mutant]:
    """The kept mutants. SystemExit tells which do not apply: the text that they change has to stand once in its file."""
    mutants = [Mutant(**entry) for entry in yaml.safe_load(path.read_text(encoding="utf-8"))]
    counts = [(mutant, (PROJECT / mutant.file).read_text(encoding="utf-8").count(mutant.old)) for mutant in mutants]
    wrong = [f"{mutant.name}: its old text stands {n} times in {mutant.file}, not once" for mutant, n in counts if n != 1]
    if wrong:
        raise SystemExit("\n".join(wrong))
    return mutants


def sample_of(mutants: Sequence[Mutant], count: int, seed: str) -> list[Mutant]:
    """So many of the mutants, the same ones for the same seed, few of them slow."""
    shuffled = random.Random(seed).sample(mutants, len(mutants))
    slow = [mutant for mutant in shuffled if mutant.is_slow][: min(MAX_SLOW, count)]
    return [mutant for mutant in shuffled if not mutant.is_slow][: count - len(slow)] + slow


def batches_of(mutants: Iterable[Mutant]) -> list[list[Mutant]]:
    """Mutants that are tested together: at most one of a model, and none beside one of a macro."""
    batches: list[list[Mutant]] = []
    for mutant in mutants:
        files = {mutant.file}
        free = (batch for batch in batches if not mutant.file.startswith("macros/") and not files & {m.file for m in batch})
        batch = next((batch for batch in free if not batch[0].file.startswith("macros/")), None)
        if batch is None:
            batches.append(batch := [])
        batch.append(mutant)
    return batches


def copy_project(target: Path) -> Path:
    target.mkdir()
    for path in PROJECT.iterdir():
        if path.name in COPIED:
            shutil.copytree(path, target / path.name, ignore=shutil.ignore_patterns("__pycache__", "fixtures"))
        elif not path.name.startswith("."):
            (target / path.name).symlink_to(path)
    (target / FIXTURES.relative_to(PROJECT)).symlink_to(FIXTURES)
    return target


@contextmanager
def applied(mutants: Sequence[Mutant], project: Path) -> Iterator[None]:
    texts = {mutant.file: (project / mutant.file).read_text(encoding="utf-8") for mutant in mutants}
    for mutant in mutants:
        (project / mutant.file).write_text(texts[mutant.file].replace(mutant.old, mutant.new), encoding="utf-8")
    try:
        yield
    finally:
        for file, text in texts.items():
            (project / file).write_text(text, encoding="utf-8")


def run_unit_tests(project: Path, home: Path, names: Iterable[str]) -> dict[str, str]:
    """What came of these unit tests of dbt, by name: pass, fail or error; `missing` where dbt knows none of that name."""
    wanted = sorted(set(names))
    options = ["--project-dir", project, "--profiles-dir", project, "--target-path", home / "dbt", "--log-path", home / "logs"]
    arguments = ["test", "--select", *wanted, "--quiet", "--log-level", "none", "--no-write-json", *map(str, options)]
    outcome = dbtRunner().invoke(arguments)
    if not isinstance(outcome.result, RunExecutionResult):
        return dict.fromkeys(wanted, f"error: {outcome.exception}")
    found = {result.node.name: str(result.status) for result in outcome.result.results}
    return {name: found.get(name, "missing") for name in wanted}


def run_pytest(project: Path, nodes: Iterable[str]) -> tuple[str, str]:
    """What came of these tests (pass where all passed, fail where one failed, else error), and what pytest said at the end."""
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-n", "0", "-x", "-q", "-p", "no:cacheprovider", "--durations=0", *sorted(set(nodes))],
        cwd=project,
        env=os.environ | {"PYTHONPATH": str(project), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
    )
    return {0: "pass", 1: "fail"}.get(run.returncode, "error"), run.stdout[-3000:] + run.stderr[-1000:]


class Runner:
    """A copy of the project, and a home built from the project as it is, whose tables give unit tests their columns."""

    def __init__(self, folder: Path, mutants: Sequence[Mutant]) -> None:
        self.home = folder / "home"
        self.quick = [mutant for mutant in mutants if not mutant.is_slow]
        self.slow = [mutant for mutant in mutants if mutant.is_slow]
        if self.quick:
            build(FIXTURES / "case101" / "landing", self.home)
            run_dbt(open_home(self.home), ["run", "--select", OF_MOMENTS], report=print)  # which no build makes
        self.project = copy_project(folder / "project")

    def failing_without_mutant(self) -> list[str]:
        """The tests that do not pass on the project as it is."""
        failing = [f"{test}: {status}" for test, status in self._unit_tests(self.quick).items() if status != "pass"]
        if self.slow:
            status, said = run_pytest(self.project, self._killers(self.slow))
            failing += [said] if status != "pass" else []
        return failing

    def outcomes(self) -> Iterator[tuple[Mutant, str]]:
        """Each mutant with what came of its test: fail where it was noticed."""
        for batch in batches_of(self.quick):
            with applied(batch, self.project):
                found = self._unit_tests(batch)
            yield from ((mutant, found[mutant.killed_by]) for mutant in batch)
        for mutant in self.slow:
            with applied([mutant], self.project):
                status, said = run_pytest(self.project, [mutant.killed_by])
            yield mutant, f"error: {said}" if status == "error" else status

    def _unit_tests(self, mutants: Sequence[Mutant]) -> dict[str, str]:
        return run_unit_tests(self.project, self.home, self._killers(mutants)) if mutants else {}

    @staticmethod
    def _killers(mutants: Sequence[Mutant]) -> list[str]:
        return [mutant.killed_by for mutant in mutants]


def check(mutants: Sequence[Mutant]) -> int:
    """Tells of each mutant whether it was killed. Returns how many were not."""
    started, left = time.monotonic(), 0
    with tempfile.TemporaryDirectory(prefix="kefu-mutants-") as folder:
        runner = Runner(Path(folder), mutants)
        if failing := runner.failing_without_mutant():
            raise SystemExit("these fail on the project as it is:\n" + "\n".join(failing))
        for mutant, status in runner.outcomes():
            if status == "fail":
                print(f"killed    {mutant.name}", flush=True)
                continue
            left += 1
            print("SURVIVED " if status == "pass" else f"NO MUTANT ({status})", mutant, flush=True)
    print(f"{len(mutants) - left} of {len(mutants)} mutants killed in {time.monotonic() - started:.0f} s", flush=True)
    return left


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="of mutants; without any, all")
    parser.add_argument("--sample", type=int, help="how many, chosen by the date")
    parser.add_argument("--date", default=str(date.today()), help="by which a sample is chosen (default: today)")
    options = parser.parse_args()
    mutants = read_list()
    if unknown := set(options.names) - {mutant.name for mutant in mutants}:
        raise SystemExit(f"no mutant is called {', '.join(sorted(unknown))}")
    if options.names:
        mutants = [mutant for mutant in mutants if mutant.name in options.names]
    if options.sample:
        print(f"{options.sample} of {len(mutants)} mutants, by the date {options.date}", flush=True)
        mutants = sample_of(mutants, options.sample, options.date)
    return min(check(mutants), 1)


if __name__ == "__main__":
    sys.exit(main())
