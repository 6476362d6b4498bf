"""The marts as Parquet files in a folder of their own, beside each other by month."""

from __future__ import annotations

import shutil
from pathlib import Path

from orchestration.errors import KefuError
from orchestration.export import Mart, published
from orchestration.home import first_line, point, published_home
from orchestration.sql import text

POINTER = "current"  # the link that readers open
MONTH = "dated_month"  # what files of a mart lie by: the month of the first of these columns that it has
DATED_BY = ("business_date", "period_end", "month", "as_of")
KEPT_VERSIONS = 2  # the one that is current, and the one before for readers that are just reading it


def publish_parquet(home_path: Path, folder: Path) -> str:
    """Writes the marts beside those of before and points FOLDER/current at them, once every file is there.

    Returns a line that says what was done. KefuError where the folder holds other things, or cannot be written.
    """
    home = published_home(home_path)
    _guard(folder)
    version = folder / home.published.resolve().stem
    pointer, aside = folder / POINTER, version.with_suffix(".new")
    if pointer.resolve() == version.resolve() and version.exists():
        return f"nothing to do: {pointer} is {version.name}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for left in folder.glob("kefu-*.new"):  # of a publishing that died
            shutil.rmtree(left, ignore_errors=True)
        with published(home) as (connection, marts):
            for mart in marts:
                (aside / mart.name).mkdir(parents=True)
                connection.execute(_copy(mart, aside / mart.name))
        if version.exists():  # of a publishing that died before anybody was pointed at it
            shutil.rmtree(version)
        aside.rename(version)
        point(pointer, version)
    except Exception as error:
        shutil.rmtree(aside, ignore_errors=True)
        raise KefuError(f"--parquet {folder} cannot be written: {first_line(error)}") from error
    for old in _versions(folder)[:-KEPT_VERSIONS]:
        shutil.rmtree(old)
    return f"published {len(marts)} tables of {version.name}: {pointer}"


def _copy(mart: Mart, folder: Path) -> str:
    """The statement that writes a mart: a file of its own, or one for each month where its rows are of dates."""
    date = next((column for column in DATED_BY if mart.has(column)), None)
    if date is None:
        return f"copy {mart.relation} to {text(folder / 'all.parquet')} (format parquet, compression zstd)"
    rows = f"select *, strftime({date}, '%Y-%m') as {MONTH} from {mart.relation} order by {date}"
    return f"copy ({rows}) to {text(folder)} (format parquet, compression zstd, partition_by ({MONTH}), overwrite_or_ignore)"


def _versions(folder: Path) -> list[Path]:
    """What was published, the current one last."""
    versions = [path for path in folder.glob("kefu-*") if path.suffix != ".new"]
    return sorted(versions, key=lambda path: (path.resolve() == (folder / POINTER).resolve(), path.stat().st_mtime))


def _guard(folder: Path) -> None:
    try:
        others = [path.name for path in folder.iterdir() if path.name != POINTER and not path.name.startswith("kefu-")]
    except FileNotFoundError:
        return
    except NotADirectoryError as error:
        raise KefuError(f"--parquet {folder} is a file: name a folder") from error
    if others and not (folder / POINTER).is_symlink():
        raise KefuError(f"--parquet {folder} holds other things ({others[0]}): name a folder that is new or empty")
