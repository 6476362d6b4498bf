from __future__ import annotations

from pathlib import Path

import pytest
from harness import FIXTURES, build


@pytest.fixture(scope="session")
def built_homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A home per fixture, built once from nothing."""
    homes = {}
    for fixture in sorted(FIXTURES.iterdir()):
        homes[fixture.name] = tmp_path_factory.mktemp(fixture.name)
        build(fixture / "landing", homes[fixture.name])
    return homes
