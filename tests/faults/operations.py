"""Random sequences of all that can happen to a home, after which a plain build gives what a full rebuild of its landing gives."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from harness import FIXTURES, build, copy_project, kefu, marts, query

from faults.common import check_clean, check_readers, deliver, differences, end, scratch, start_build
from orchestration.home import PROJECT

SEQUENCES, OPERATIONS, DTS = 60, 7, 6
LONGEST_SECONDS = 12  # from the start of a build to its kill
# Rules as they are, and as they are changed to and back: a window, a target, a boundary in time.
RULES = [
    [("kuaishou,window_start,08:00,", "kuaishou,window_start,10:00,")],
    [("taobao,response_target_seconds,180,", "taobao,response_target_seconds,90,")],
    [
        ("kuaishou,reply_scope,human_only,2023-03-27,", "kuaishou,reply_scope,human_only,2023-03-29,"),
        ("kuaishou,reply_scope,bot_and_human,,2023-03-26,", "kuaishou,reply_scope,bot_and_human,,2023-03-28,"),
    ],
]


class Story:
    """A landing folder and its home, with what is done to them. Every choice comes from the seed."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.landing, self.home = folder, folder / "landing", folder / "home"
        self.dice = random.Random(seed)
        self.source = FIXTURES / self.dice.choice(["case101", "case102", "case103"]) / "landing"
        dts = sorted({path.name for path in self.source.glob("*/*/dt=*")})
        first = self.dice.randrange(len(dts) - DTS)
        self.waiting = dts[first : first + DTS]
        self.dice.shuffle(self.waiting)
        self.done: list[str] = []
        self.deliver()
        self.build()

    def run(self, *arguments: object) -> None:
        """A command that may refuse, with a line for each thing that it refuses."""
        outcome = kefu(*arguments)
        assert outcome.code in (0, 1) and "Traceback" not in outcome.err, outcome.err
        assert all(line.startswith(("kefu: ", "waiting: ")) for line in outcome.err.splitlines()), outcome.err
        check_readers(self.home)

    def build(self, *more: object) -> None:
        self.run("build", "--landing", self.landing, "--home", self.home, *more)

    def step(self) -> None:
        deliveries = [self.deliver, self.deliver, self.redeliver, self.remove, self.truncate]
        builds = [self.range, self.prune, self.kill]
        operation = self.dice.choice([*deliveries, *builds, self.forget, self.back_up, self.change_rules])
        while self.waiting and not self.files():  # a date may bring a file or two, which were removed
            self.deliver()
        operation()
        self.done.append(operation.__name__)
        if self.dice.random() < 0.5:
            self.build()

    def deliver(self) -> None:
        size = self.dice.randint(1, 3)
        deliver(self.landing, self.waiting[:size], self.source)
        del self.waiting[:size]

    def files(self) -> list[Path]:
        return sorted(path for path in self.landing.rglob("*") if path.is_file())

    def file(self) -> Path:
        return self.dice.choice(self.files())

    def redeliver(self) -> None:
        """A file comes again as it was at first, or without some of its rows."""
        file = self.file()
        shutil.copyfile(self.source / file.relative_to(self.landing), file)
        head, *rows = file.read_bytes().splitlines(keepends=True)
        if self.dice.random() < 0.7 and b'"' not in b"".join(rows[:1]):
            file.write_bytes(b"".join([head, *self.dice.sample(rows, len(rows) // 2)]))

    def remove(self) -> None:
        shutil.rmtree(self.file().parent)

    def truncate(self) -> None:
        file = self.file()
        os.truncate(file, self.dice.randint(0, file.stat().st_size))

    def prune(self) -> None:
        self.build("--prune")

    def range(self) -> None:
        first, last = sorted(path.name.removeprefix("dt=") for path in self.dice.choices([*self.landing.glob("*/*/dt=*")], k=2))
        self.build("--start", first, "--end", last)

    def kill(self) -> None:
        process = start_build(self.landing, self.home)
        time.sleep(self.dice.uniform(0, LONGEST_SECONDS))
        end(process)
        check_readers(self.home)

    def forget(self) -> None:
        buyers = "select buyer_id from marts.taobao_rounds union select user_id from marts.kuaishou_rounds order by 1"
        if (self.home / "kefu.duckdb").exists() and (found := query(self.home, buyers)):
            self.run("forget", "--buyer", self.dice.choice(found)[0], "--landing", self.landing, "--home", self.home)

    def back_up(self) -> None:
        """The home goes on as the one that was restored."""
        backup, restored = self.folder / "backup.tar.gz", self.folder / f"home-{len(self.done)}"
        assert kefu("backup", "--home", self.home, "--to", backup).code == 0
        assert kefu("restore", "--from", backup, "--home", restored).code == 0
        self.home = restored

    def change_rules(self) -> None:
        seed = PROJECT / "seeds" / "rule_parameters.csv"
        text = seed.read_text(encoding="utf-8")
        for one, other in self.dice.choice(RULES):
            assert (one in text) != (other in text), one
            text = text.replace(one, other) if one in text else text.replace(other, one)
        seed.write_text(text, encoding="utf-8")

    def end(self) -> int:
        """Puts whole files in place of those that were cut, builds, and counts the rows that a full rebuild has otherwise."""
        for file in self.files():
            shutil.copyfile(self.source / file.relative_to(self.landing), file)
        build(self.landing, self.home, "--prune")
        check_clean(self.home)
        build(self.landing, self.folder / "fresh")
        return differences(marts(self.home), marts(self.folder / "fresh"))


def main() -> None:
    if "--here" not in sys.argv:  # rules change: in a copy of the project
        with scratch() as folder:
            copy = copy_project(folder / "project")
            environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(copy), *sys.path])}
            code = subprocess.run([sys.executable, "-m", "faults.operations", "--here"], cwd=copy, env=environment).returncode
        raise SystemExit(code)
    wrong, happened = 0, Counter[str]()
    for seed in range(SEQUENCES):
        with scratch() as folder:
            story = Story(folder, seed)
            for _ in range(OPERATIONS):
                story.step()
            differ = story.end()
        print(f"    {seed}: {', '.join(story.done)}: {differ} rows differ", file=sys.stderr, flush=True)
        happened.update(story.done)
        wrong += differ
    counts = ", ".join(f"{count} {what}" for what, count in sorted(happened.items()))
    print(f"operations: {SEQUENCES} sequences ({counts}), {wrong} rows differ")
    raise SystemExit(wrong > 0)


if __name__ == "__main__":
    main()
