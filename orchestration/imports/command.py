"""`kefu import`: each file is taken whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from orchestration.errors import KefuError
from orchestration.imports.accounts import Names
from orchestration.imports.cells import Contents, Grid
from orchestration.imports.figures import METRICS, TEXTS, Options, Taken, UntoldError, agreed, has_gaps, take, tells_shop
from orchestration.imports.files import read_file
from orchestration.imports.json_grids import grids_of
from orchestration.imports.landing import Written, by_last_day, write
from orchestration.imports.mapping import Mapping, read_mapping
from orchestration.imports.periods import Period, period_of
from orchestration.imports.sheets import Found, Platform, UnknownSheetError, find, known
from orchestration.imports.values import number, span

Report = Callable[[str], None]


def import_files(
    files: Sequence[Path], landing: Path, *, platform: str | None, options: Options, mapping: Path | None, report: Report
) -> None:
    """Imports files one by one. What cannot be imported is named at the end, when the others are in place."""
    if landing.exists() and not landing.is_dir():
        raise KefuError(f"--landing {landing} is not a folder")
    by_mapping = read_mapping(mapping) if mapping else None
    if by_mapping and platform not in (None, by_mapping.table.platform):
        raise KefuError(f"{mapping} is of {by_mapping.table.platform}, and --platform says {platform}")
    among = [each for each in known() if platform in (None, each.name)]
    failed: list[str] = []
    for file in files:
        lines: list[str] = []
        try:
            written = _import(file, landing, among, options, by_mapping, lines.append)
        except KefuError as error:
            failed.append(f"{file}: {error}")
            report(f"{file}: not imported")
        else:
            report(f"{file}: {_told(written)}")
            lines += written.told
        for line in lines:
            report(f"  {line}")
    if failed:
        others = f" ({len(files) - len(failed)} of {len(files)} files are imported)" if len(files) > 1 else ""
        raise KefuError("; ".join(failed) + others)


def _told(written: Written) -> str:
    if not written.paths:
        return "nothing new, all of it was imported before"
    folders = sorted({path.parent.parent.name for path in written.paths})
    days = sorted({path.parent.name for path in written.paths})
    between = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    platform = written.paths[0].parent.parent.parent.name
    return f"imported into {_count(len(written.paths), 'file')} of {platform}/{', '.join(folders)}, {between}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _import(
    file: Path, landing: Path, among: Sequence[Platform], options: Options, mapping: Mapping | None, report: Report
) -> Written:
    contents = read_file(file)
    for line in contents.told:
        report(line)
    if mapping:
        names = Names(landing, mapping.table.platform)
        return write(landing, mapping.table.platform, {mapping.table.name: mapping.rows(contents, names, options.shop, report)})
    founds = _find(contents, among, file.stem, report)
    platforms = {found.platform.name for found in founds}
    if len(platforms) > 1:
        raise KefuError(f"it has sheets of {' and '.join(sorted(platforms))}: add --platform")
    (platform,) = platforms
    names = Names(landing, platform)
    taken = agreed(_parts(founds, names, options, report), [])
    for line in taken.told:
        report(line)
    tables = {table: by_last_day(taken.rows[table], "period_end") for table in (METRICS, TEXTS)}
    if not any(tables.values()):
        raise KefuError("no row of it can be taken, for the reasons above")
    return write(landing, platform, tables)


def _find(contents: Contents, among: Sequence[Platform], name: str, report: Report) -> list[Found]:
    """The sheets of a file that are known. KefuError where none is."""
    grids = contents.grids
    if contents.json is not None:
        grids, told = grids_of(contents.json, among)
        for line in told:
            report(line)
    found: list[Found] = []
    unknown: list[tuple[Grid, str]] = []
    for grid in grids:
        try:
            found.append(find(grid, among, name))
        except UnknownSheetError as error:
            unknown.append((grid, str(error)))
    if not found:
        raise KefuError(
            "; ".join(f"sheet {grid.name}: {why}" if grid.name else why for grid, why in unknown) or "no sheet is in it"
        )
    for grid, why in unknown:
        report(f"sheet {grid.name} is skipped: {why}")
    return found


def _parts(founds: Sequence[Found], names: Names, options: Options, report: Report) -> list[Taken]:
    """What the sheets of a file give, those last that tell no shop: it is that of the others, where these have one."""
    parts: list[Taken] = []
    shops: set[object] = set()
    untold: list[str] = []
    for found in sorted(founds, key=lambda found: not tells_shop(found)):
        of = options if options.shop or len(shops) != 1 else replace(options, shop=str(next(iter(shops))))
        try:
            parts.append(_take(found, founds, names, of, report))
        except UntoldError as error:
            report(f"  skipped: {error}")
            untold.append(str(error))
        else:
            shops |= {row["shop_id"] for rows in parts[-1].rows.values() for row in rows}
    if untold and not parts:
        raise KefuError(untold[0])
    return parts


def _take(found: Found, founds: Sequence[Found], names: Names, options: Options, report: Report) -> Taken:
    where = f", sheet {found.grid.name}" if found.grid.name and not found.grid.is_headed else ""
    block = f", {found.grid.name}" if found.grid.name in found.sheet.blocks else ""
    title = found.title if found.title == found.sheet.name else f"{found.sheet.name} {found.title}"
    report(f"{found.sheet.of} {title} ({found.platform.name}){where}{block}")
    taken = take(found, names, options, _whole(found, founds))
    metrics, texts = taken.rows[METRICS], taken.rows[TEXTS]
    if metrics:
        of = ", ".join(sorted({str(row["metric"]) for row in metrics}))
        report(f"  {_count(len(metrics), 'figure')} of {of}: {_subjects(taken, METRICS)}")
    if texts:
        report(f"  {_count(len(texts), 'other value')} kept as text: {_subjects(taken, TEXTS)}")
    for line in taken.told:
        report(f"  {line}")
    return taken


def _subjects(taken: Taken, table: str) -> str:
    rows = taken.rows[table]
    accounts = len({row["account_id"] for row in rows} - {None})
    shops = sorted({str(row["shop_id"]) for row in rows})
    ends = sorted(str(row["period_end"]) for row in rows)
    kinds = sorted({str(row["period"]) for row in rows}) if table == METRICS else []
    between = ends[0] if ends[0] == ends[-1] else f"{ends[0]} to {ends[-1]}"
    of = f", {_count(accounts, 'account')}" if accounts else ""
    return f"{', '.join(shops)}{of}, {'/'.join(kinds) + ' ' if kinds else ''}{between}"


def _whole(found: Found, founds: Sequence[Found]) -> Period | None:
    """The period of the one row of a block that names none: the days of the other block, if their counts add up to it."""
    counts = found.sheet.counts
    if counts is None or len(found.rows) != 1:
        return None
    total = _numbers(found, counts)
    for other in founds:
        if other is not found and other.sheet == found.sheet:
            date_index = next((header.index for header in other.headers if header.role == "date"), None)
            spans = [span(row.cell(date_index)) for row in other.rows]
            days = [first for each in spans if each for first in each[:1]]
            if days and len(days) == len(spans) and not has_gaps(days) and total == [sum(_numbers(other, counts))]:
                return period_of(found.platform, (min(days), max(days)))
    return None


def _numbers(found: Found, column: str) -> list[float]:
    index = next((header.index for header in found.headers if header.name == column), None)
    return [value for row in found.rows if (value := number(row.cell(index))) is not None]
