"""The figures of a sheet that is known: rows of official_metrics, and all else as text for official_sheets."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import pairwise

from orchestration.errors import KefuError
from orchestration.imports.accounts import Names, prefix
from orchestration.imports.cells import Cell, Row
from orchestration.imports.periods import FORMS, Period, asked_period, last_day, period_of
from orchestration.imports.sheets import Figure, Found, Header, common
from orchestration.imports.values import Span, number, plain, says_percent, seconds, span, span_of

METRICS, TEXTS = "official_metrics", "official_sheets"
ROUNDING = 0.006  # by which a rate may differ from its numerator / denominator: that of whole percents
RATIO_IS_PERCENT = 3  # a bare ratio above it is percent
FETCHED = ("导出", "下载", "生成", "更新", "打印")  # a day named so is not one that the figures are of

Record = dict[str, object]
Told = list[str]


@dataclass
class Taken:
    """What a sheet gives, by table, and what is told of it."""

    rows: dict[str, list[Record]] = field(default_factory=lambda: {METRICS: [], TEXTS: []})
    told: Told = field(default_factory=list)


@dataclass(frozen=True)
class Subject:
    """What a row is about."""

    row: Row
    shop: str
    account: str | None
    period: Period
    sheet: str  # under which its texts are kept
    label: str | None = None  # of a row over others: total, sum, mean, peers

    @property
    def has_figures(self) -> bool:
        return self.label not in ("mean", "peers")


@dataclass(frozen=True)
class Options:
    shop: str | None
    period: tuple[str | None, Span] | None


def take(found: Found, names: Names, options: Options, whole: Period | None = None) -> Taken:
    """Takes the figures of a sheet. `whole` is the period of a row without one, where something else of the file tells it."""
    taken = Taken()
    reader = _Reader(found, names, options, whole, taken.told)
    subjects = reader.subjects()
    shares = _shares(found, subjects, taken.told)
    for subject in subjects:
        for header in found.headers:
            if not header.role:
                _take_cell(found, subject, header, shares, subjects, taken)
    unknown = [header.name for header in found.headers if not header.is_known and not header.role]
    if unknown and not found.grid.is_headed:
        taken.told.append(f"columns that are not known, kept as text: {', '.join(unknown)}")
    return agreed([taken], taken.told)


# --- what a row is about


class _Reader:
    """Tells what the rows of a sheet are about."""

    def __init__(self, found: Found, names: Names, options: Options, whole: Period | None, told: Told) -> None:
        self.found = found
        self.names = names
        self.options = options
        self.whole = whole
        self.told = told
        self.index = {header.role: header.index for header in reversed(found.headers) if header.role}
        cells = [row.cell(self.index.get("shop")).text for row in found.rows]
        above = [cell.text.replace("：", ":").partition(":") for row in found.above for cell in row.cells]
        cells += [text.strip() for name, _, text in above if plain(name) in common().shop]
        self.shops = {text for text in cells if text and common().label(text) is None}
        self.is_assessed = found.title in found.sheet.assessed_month
        self.stated = self._stated()

    def subjects(self) -> list[Subject]:
        spans = {row.number: self._span(row) for row in self.found.rows}
        days = [each for row in self.found.rows if (each := spans[row.number]) and self._label(row) is None]
        subjects = []
        for row in self.found.rows:
            label, text = self._label(row), self._label_text(row)
            if self._is_header_again(row):
                self.told.append(f"row {row.number}: the header again, skipped")
                continue
            try:
                period = self._period(row, spans[row.number], label, days)
                shop, account = self._who(row, label)
            except UntoldError:
                raise
            except KefuError as error:
                self.told.append(f"row {row.number}: {error}; left out")
                continue
            sheet = self.found.title
            if label in ("mean", "peers"):
                sheet = f"{sheet} {text}"
                what = "an average" if label == "mean" else "of other shops"
                self.told.append(f"row {row.number}: {text} is {what}: no figure of a metric, kept as text of sheet {sheet}")
            elif label:
                self.told.append(f"row {row.number}: {text} is read as the shop's, {period}")
            subjects.append(Subject(row, shop, account, period, sheet, label))
        return subjects

    def _span(self, row: Row) -> Span | None:
        return span(self._cell(row, "date"))

    def _cell(self, row: Row, role: str) -> Cell:
        """The cell that tells of a row; within merged cells that is the first one."""
        index = self.index.get(role)
        if index is None:
            return Cell("")
        top = self.found.grid.merged.get((row.number, index))
        if top and top[0] != row.number and not row.cell(index).text:
            return next((each.cell(top[1]) for each in self.found.rows if each.number == top[0]), Cell(""))
        return row.cell(index)

    def _label_text(self, row: Row) -> str:
        cells = [row.cell(index) for index in self.index.values()] or [row.cell(0)]
        return next((cell.text for cell in cells if cell.text and common().label(cell.text)), "")

    def _label(self, row: Row) -> str | None:
        text = self._label_text(row)
        return common().label(text) if text else None

    def _is_header_again(self, row: Row) -> bool:
        cells = [(header, row.cell(header.index).text) for header in self.found.headers]
        same = [header for header, text in cells if text and plain(text) == plain(header.name)]
        return len(same) > len(self.found.headers) / 2

    def _stated(self) -> Period | None:
        """The period that rows above the header name, or the option."""
        for row in self.found.above:
            for cell in row.cells:
                text = cell.text.replace("：", ":")
                if any(word in text for word in FETCHED):
                    continue
                days = span_of(text.rpartition(":")[2] if ":" in text else text)
                if days:
                    return period_of(self.found.platform, days, is_assessed=self.is_assessed)
        return asked_period(self.found.platform, self.options.period) if self.options.period else None

    def _period(self, row: Row, days: Span | None, label: str | None, others: Sequence[Span]) -> Period:
        if days:
            return period_of(self.found.platform, days, is_assessed=self.is_assessed)
        text = self._cell(row, "date").text
        if text and common().label(text) is None and plain(text) not in common().nothing:
            raise KefuError(f"{text} is no date")
        if label and others:
            first, last = min(first for first, _ in others), max(last for _, last in others)
            if has_gaps(day for each in others for day in each):
                return Period(None, first, last)  # nobody can tell where the days that it covers begin and end
            return period_of(self.found.platform, (first, last), is_assessed=self.is_assessed)
        period = self.stated or self.whole
        if "date" in self.index and label is None and not self.stated and any(map(self._span, self.found.rows)):
            raise KefuError("it names no date")
        if period is None:
            raise UntoldError(f"nothing tells its period: add --period, such as {FORMS}")
        return period

    def _who(self, row: Row, label: str | None) -> tuple[str, str | None]:
        nickname = self._cell(row, "account").text
        nickname = "" if common().label(nickname) or plain(nickname) in common().nothing else nickname
        shop = self._shop(row, nickname)
        if label:
            return shop, None
        if "account" not in self.index:
            return shop, None
        if not nickname:
            raise KefuError("it names no account")
        if "/" in self._header("account") and (plain(nickname) == plain(shop) or self.names.shop(nickname) == shop):
            return shop, None  # a column of shops and accounts
        return shop, self.names.account(shop, nickname)

    def _header(self, role: str) -> str:
        return next(header.name for header in self.found.headers if header.role == role)

    def _shop(self, row: Row, nickname: str) -> str:
        called = self._cell(row, "shop").text
        called = "" if common().label(called) else called
        asked = self.options.shop
        if called:
            shop = self.names.shop(called)
            if shop and asked and shop != asked:
                raise KefuError(f"{called} is the shop {shop}, and --shop says {asked}")
            if shop:
                return shop
            if asked and len(self.shops) == 1:
                return asked  # the one shop of the sheet, which the option names
            add = "its sheet has several shops" if asked else "add --shop with its id"
            raise KefuError(f"no shop is known that is called {called}: {add}")
        if asked:
            return asked
        if len(self.shops) == 1 and (shop := self.names.shop(next(iter(self.shops)))):
            return shop  # of a row over the others
        before = {prefix(self._cell(each, "account").text) for each in self.found.rows if self._label(each) is None}
        before = {prefix(nickname)} if prefix(nickname) else before - {""}
        if len(before) == 1 and (shop := self.names.shop(next(iter(before)))):
            return shop
        raise UntoldError("nothing tells its shop: add --shop with its id")


class UntoldError(KefuError):
    """Nothing tells the period or the shop of a sheet."""


def tells_shop(found: Found) -> bool:
    """Whether a sheet has a column of shops, or of accounts, which may have the shop before them."""
    return any(header.role in ("shop", "account") for header in found.headers)


def has_gaps(days: Iterable[date]) -> bool:
    return any(after - before > timedelta(days=1) for before, after in pairwise(sorted(set(days))))


# --- what a cell says


def _shares(found: Found, subjects: Sequence[Subject], told: Told) -> dict[str, bool]:
    """By column: whether its bare numbers are percent. The column decides; where all of it is at most 1, the other columns do."""
    bare: dict[str, list[tuple[Subject, float]]] = {}
    for header in found.headers:
        figure = found.sheet.metrics.get(header.name)
        if figure and figure.unit in ("share", "ratio"):
            cells = [(subject, subject.row.cell(header.index)) for subject in subjects]
            read = [(subject, number(cell)) for subject, cell in cells if not says_percent(cell)]
            bare[header.name] = [(subject, value) for subject, value in read if value is not None]
    limits = {name: RATIO_IS_PERCENT if found.sheet.metrics[name].unit == "ratio" else 1 for name in bare}
    headers = {header.name: header for header in found.headers}
    percent = {
        name: headers[name].unit == "%" or any(value > limits[name] for _, value in values) for name, values in bare.items()
    }
    is_any = any(percent[name] for name in percent if limits[name] == 1)
    for name, values in bare.items():
        if percent[name] or not any(value for _, value in values):
            continue
        by_parts = [_as_parts_say(found, subject, name, value) for subject, value in values]
        said = [each for each in by_parts if each is not None]
        if said:
            percent[name] = sum(said) * 2 > len(said)
        elif is_any:
            percent[name] = True
            told.append(f"{name}: no number is above 1, and other shares of the sheet are percent: read as percent")
        elif all(value in (0, 1) for _, value in values):
            told.append(f"{name}: a bare 1 can be 1 % or 100 %: read as 100 %")
    return percent


def _as_parts_say(found: Found, subject: Subject, column: str, value: float) -> bool | None:
    """Whether a bare share is percent, by its numerator and denominator; None where these do not tell."""
    parts = _parts(found, subject, found.sheet.metrics[column])
    if parts is None or not value:
        return None
    rate = parts[0] / parts[1]
    return abs(value / 100 - rate) < abs(value - rate)


def _parts(found: Found, subject: Subject, figure: Figure) -> tuple[float, float] | None:
    """Numerator and denominator of a figure, where the sheet has both."""
    if not figure.denominator:
        return None
    cells = {header.name: subject.row.cell(header.index) for header in found.headers}
    numbers = [number(cells[name]) if name in cells else None for name in (*figure.numerator, figure.denominator)]
    known = [each for each in numbers if each is not None]
    if len(known) < len(numbers) or known[-1] <= 0:
        return None
    return sum(known[:-1]), known[-1]


def _take_cell(
    found: Found, subject: Subject, header: Header, shares: Mapping[str, bool], subjects: Sequence[Subject], taken: Taken
) -> None:
    """Takes a cell as a figure of its metric, else as text."""
    cell = subject.row.cell(header.index)
    figure = found.sheet.metrics.get(header.name)
    if figure and subject.has_figures and plain(cell.text) not in common().nothing:
        try:
            value = _value(figure, cell, header, shares.get(header.name, False))
            _check_sum(found, subject, header, figure, value, shares, subjects)
            if subject.period.kind is None:
                raise KefuError(f"{subject.period} is no period of metrics")
        except KefuError as error:
            taken.told.append(f"row {subject.row.number}: {header.name} {cell.text}: {error}; kept as text")
        else:
            taken.rows[METRICS].append(_metric(found, subject, header, figure, value, taken.told))
            return
    taken.rows[TEXTS].append(
        {
            "sheet": subject.sheet,
            "shop_id": subject.shop,
            "account_id": subject.account,
            "period_start": subject.period.start,
            "period_end": subject.period.end,
            "column_name": header.name,
            "value": cell.text or None,
            "_row": subject.row.number,
        }
    )


def _value(figure: Figure, cell: Cell, header: Header, is_percent: bool) -> float:
    if figure.unit == "seconds":
        value = seconds(cell, header.unit)
        if value is None or value < 0:
            raise KefuError("no span of time")
        return round(value, 6)
    value = number(cell)
    if value is None:
        raise KefuError("no share")
    value = round(value / 100 if says_percent(cell) or is_percent else value, 10)
    if value < 0 or (value > 1 and figure.unit == "share"):
        raise KefuError("a share lies between 0 and 1")
    return value


def _check_sum(
    found: Found,
    subject: Subject,
    header: Header,
    figure: Figure,
    value: float,
    shares: Mapping[str, bool],
    subjects: Sequence[Subject],
) -> None:
    """Refuses the figure of a row 合计 that lies beyond those of all rows: it is their sum, and not one of all together."""
    if subject.label != "sum":
        return
    others = []
    for each in subjects:
        cell = each.row.cell(header.index)
        if each.label is None and plain(cell.text) not in common().nothing:
            try:
                others.append(_value(figure, cell, header, shares.get(header.name, False)))
            except KefuError:
                continue
    if others and not min(others) - ROUNDING <= value <= max(others) + ROUNDING:
        raise KefuError("beyond that of every other row, so that it is their sum")


def _metric(found: Found, subject: Subject, header: Header, figure: Figure, value: float, told: Told) -> Record:
    parts = _parts(found, subject, figure)
    if parts and abs(parts[0] / parts[1] - value) > ROUNDING:
        names = f"{' + '.join(figure.numerator)} / {figure.denominator}"
        said = f"{parts[0]:g} / {parts[1]:g} is not {subject.row.cell(header.index).text}"
        told.append(f"row {subject.row.number}: {header.name}: {names} = {said}: taken without numerator and denominator")
        parts = None
    return {
        "shop_id": subject.shop,
        "account_id": subject.account,
        "metric": figure.metric,
        "period": subject.period.kind,
        "period_end": last_day(found.platform, subject.period, figure.metric),
        "numerator": parts[0] if parts else None,
        "denominator": parts[1] if parts else None,
        "value": value,
        "_row": subject.row.number,
    }


KEYS = {METRICS: ("metric", "period", "period_end"), TEXTS: ("sheet", "period_start", "period_end", "column_name")}


def agreed(parts: Sequence[Taken], told: Told) -> Taken:
    """What parts give together, without rows of one key that say different things: nobody can tell which is right."""
    together = Taken(told=told)
    for table, key in KEYS.items():
        by_key: dict[tuple[object, ...], list[Record]] = defaultdict(list)
        for row in (row for part in parts for row in part.rows[table]):
            by_key[tuple(row[column] for column in ("shop_id", "account_id", *key))].append(row)
        for same in by_key.values():
            row, values = same[0], list(dict.fromkeys(str(each["value"]) for each in same))
            if len(values) == 1:
                together.rows[table].append(row)
                continue
            what = f"{row.get('metric') or row.get('column_name')} of {row['account_id'] or row['shop_id']}, {row['period_end']}"
            where = f"rows {', '.join(str(each['_row']) for each in same)}"
            hint = "does a column that is not known tell the rows apart?"
            told.append(f"{what}, is {' and '.join(values)} at once ({where}): none is taken; {hint}")
    return together
