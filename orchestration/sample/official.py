"""The platforms' own figures of the sample: they come once the chats are computed, as a shop downloads them afterwards."""

from __future__ import annotations

from importlib import resources
from pathlib import Path

import duckdb

from orchestration.home import Home
from orchestration.sql import text


def publish_official_figures(landing: Path, home: Home) -> bool:
    """Writes a delivery of official_metrics for each platform. Returns whether it did: once there, they stay."""
    query = resources.files("orchestration.sample").joinpath("sql", "official.sql").read_text(encoding="utf-8")
    with duckdb.connect(str(home.published), read_only=True) as marts:
        figures = marts.sql(query)
        days = marts.execute(
            "select platform, max(last_dt) from marts.data_freshness group by platform order by platform"
        ).fetchall()
        folders = {platform: landing / platform / "official_metrics" / f"dt={day}" for platform, day in days}
        if all(folder.exists() for folder in folders.values()):
            return False
        for platform, folder in folders.items():
            folder.mkdir(parents=True, exist_ok=True)
            figures.filter(f"platform = {text(platform)}").project("* exclude (platform)").order("all").write_csv(
                str(folder / "part.csv"), header=True
            )
    return True
