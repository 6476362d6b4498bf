"""Deliveries in any order, in any batches, repeated or replaced, give what a full rebuild gives, on every mart."""

from __future__ import annotations

import random
import shutil
from pathlib import Path

import pytest
from harness import FIXTURES, build, marts

pytestmark = pytest.mark.increments


def deliver(source: Path, target: Path, dt: str) -> None:
    """Copies one dt of every table, as a new delivery."""
    for folder in source.glob(f"*/*/dt={dt}"):
        copy = target / folder.relative_to(source)
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(folder, copy, copy_function=shutil.copyfile)


@pytest.mark.parametrize("fixture", sorted(path.name for path in FIXTURES.iterdir()))
def test_shuffled_and_repeated_deliveries_equal_a_full_rebuild(
    fixture: str, built_homes: dict[str, Path], begun_home: Path, tmp_path: Path
) -> None:
    source, landing, home = FIXTURES / fixture / "landing", tmp_path / "landing", begun_home
    dts = sorted({folder.name.removeprefix("dt=") for folder in source.glob("*/*/dt=*")})
    dice = random.Random(fixture)
    dice.shuffle(dts)
    while dts:
        batch, dts = dts[: (size := dice.randint(1 + len(dts) // 3, 1 + 2 * len(dts) // 3))], dts[size:]
        landed_before = sorted({folder.name.removeprefix("dt=") for folder in landing.glob("*/*/dt=*")})
        for dt in batch + dice.sample(landed_before, min(2, len(landed_before))):
            deliver(source, landing, dt)
        build(landing, home)
    assert marts(home) == marts(built_homes[fixture])
    if fixture == "case102":  # once is enough: what it equals is a full rebuild of a fresh home
        build(landing, home, "--full-refresh")
        assert marts(home) == marts(built_homes[fixture])
