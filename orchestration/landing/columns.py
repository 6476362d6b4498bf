"""How the text of a column becomes its value, and what is said of one that cannot be read. SQL expressions, nothing runs here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from orchestration.landing.contract import Column, Table, settings
from orchestration.sql import name, text

DATE = r"[1-9]\d{3}-\d{1,2}-\d{1,2}"
LOCAL_TIME = DATE + r"[ T]\d{1,2}:\d{2}(:\d{2}(\.\d{1,9})?)?"
OTHER_DATE = r"^([1-9]\d{3})(?:/(\d{1,2})/(\d{1,2})|年(\d{1,2})月(\d{1,2})日)"  # 2025/10/3, 2025年10月3日
DASHED = r"\1-\2\4-\3\5"  # of its groups
OFFSET = r"(Z|[+-](0\d|1[0-4])(:?[0-5]\d)?)"
EPOCH = r"\d{13}(\.0+)?"  # with a fraction where an export holds numbers as floats
EPOCH_SECONDS = r"[1-9]\d{9}(\.0+)?"
SERIAL = r"\d{5}(\.\d+)?"
MIDNIGHT = r"([ T]0?0:00(:00(\.0+)?)?)?"  # of a date that an export holds as a time
INTEGER = r"-?\d{1,9}(\.0+)?"
INTEGERS, LARGEST_INTEGER = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT"), 999_999_999
NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"
NUMBER_WITH_UNIT = r"[+-]?\d+(\.\d+)?\s*[^\d\s.,+eE-]+"
WHOLE = r"-?\d{1,16}\.0+"  # an id that an export holds as a float
LARGEST_WHOLE = 2**53  # from here on a float does not tell one whole number from the next
SCIENTIFIC = r"[+-]?\d(\.\d+)?[eE]\+\d+"  # an id in a spreadsheet or a float: its last digits are lost
FIRST_YEAR = 2000
OLD_DAYS = 400  # an event so long before its delivery came with a first load of history
SHOWN_CHARACTERS = 30  # of a value, in what is told of it
DIGIT, LETTER, OTHER = "9", "a", "?"  # in the form of a value


def value(column: Column, source: str) -> str:
    """The typed value of the text expression `source`; null where it cannot be read."""
    if column.data_type == "timestamp":
        # China has had one offset and no summer time since 1992; an epoch therefore only shifts.
        with_offset = f"try_cast({source} as timestamptz) at time zone 'Asia/Shanghai'"
        return f"""case
            when regexp_full_match({source}, {text(LOCAL_TIME)}) then try_cast({source} as timestamp)
            when regexp_full_match({source}, {text(EPOCH)})
                then make_timestamp(left({source}, 13)::bigint * 1000) + interval 8 hour
            when regexp_full_match({source}, {text(EPOCH_SECONDS)})
                then make_timestamp(left({source}, 10)::bigint * 1000000) + interval 8 hour
            when regexp_full_match({source}, {text(LOCAL_TIME + OFFSET)})
                then case when year({with_offset}) between 1 and 9999 then {with_offset} end
            when regexp_full_match({_with_dashes(source)}, {text(LOCAL_TIME)}) then try_cast({_with_dashes(source)} as timestamp)
        end"""
    if column.data_type == "date":
        dashed = _with_dashes(source)
        return f"""case
            when regexp_full_match({dashed}, {text(DATE + MIDNIGHT)})
                then try_cast(regexp_extract({dashed}, {text(DATE)}) as date)
        end"""
    if column.data_type == "boolean":
        return f"case lower({source}) when 'true' then true when '1' then true when 'false' then false when '0' then false end"
    if column.data_type == "varchar[]":
        return f"""case
            when {source} is null then []::varchar[]
            when {source}[1] = '[' then try_cast(try_cast({source} as json) as varchar[])
            else string_split({source}, '|')
        end"""
    if column.data_type == "varchar":
        if column.values:
            position = f"list_position({_list([value.lower() for value in column.values])}, lower(trim({source})))"
            return f"case when {_is_one_of(column, source)} then {source} else ({_list(column.values)})[{position}] end"
        if column.pattern:
            return f"case when regexp_full_match({source}, {text(column.pattern)}) then {source} end"
        return _id(source) if column.is_id else source
    read = f"try_cast({source} as {column.data_type})"
    form = f"regexp_full_match({source}, {text(INTEGER if column.data_type == 'integer' else NUMBER)})"
    return f"case when {form} and {_limits(column, read)} then {read} end"


def _limits(column: Column, number: str) -> str:
    """A condition on a number: the contract takes it."""
    limits = [f"{number} in ({', '.join(column.values)})" if column.values else f"isfinite({number}::double)"]
    if column.most is not None:
        limits.append(f"{number} between {column.least} and {column.most}")
    return " and ".join(limits)


def _list(values: tuple[str, ...] | list[str]) -> str:
    return f"[{', '.join(map(text, values))}]"


def _with_dashes(source: str) -> str:
    return f"regexp_replace({source}, {text(OTHER_DATE)}, {text(DASHED)})"


def _id(source: str) -> str:
    """An id as it is; one that went through a float as the whole number that it was, null where nobody can tell which."""
    whole = f"left({source}, strpos({source}, '.') - 1)"
    return f"""case
        when contains({source}, '+') and regexp_full_match({source}, {text(SCIENTIFIC)}) then null
        when {_may_be_float(source)} and regexp_full_match({source}, {text(WHOLE)})
            then case when abs({whole}::bigint) < {LARGEST_WHOLE} then {whole} end
        else {source}
    end"""


def _may_be_float(source: str) -> str:
    return f"ends_with({source}, '0') and contains({source}, '.')"


def _is_one_of(column: Column, source: str) -> str:
    return f"{source} in ({', '.join(map(text, column.values))})"


def value_held(column: Column, source: str, data_type: str) -> str | None:
    """The value of an expression that is of the type already; None of another type, whose text is to be read.

    What cannot be as text cannot be here: it is the same value, without the way through a text.
    """
    if column.data_type == "timestamp" and data_type == "TIMESTAMP":
        return f"case when {source} between '1000-01-01'::timestamp and '9999-12-31 23:59:59.999999'::timestamp then {source} end"
    if column.data_type == "date" and data_type == "DATE":
        return f"case when {source} between '1000-01-01'::date and '9999-12-31'::date then {source} end"
    if column.data_type == "boolean" and data_type == "BOOLEAN":
        return source
    if column.data_type == "varchar[]" and data_type == "VARCHAR[]":
        return f"coalesce({source}, [])"
    if column.data_type == "double" and data_type == "DOUBLE":
        return f"case when {_limits(column, source)} then {source} end"
    if column.data_type == "integer" and data_type in INTEGERS:
        is_short = f"{source} between -{LARGEST_INTEGER} and {LARGEST_INTEGER}"
        return f"case when {is_short} and {_limits(column, source)} then {source}::integer end"
    return None


def raw_text(column: str) -> str:
    """The column that holds what was delivered, beside the one with the value: its text, or a value of the type already."""
    return name(f"text of {column}")


def delivered(column: Column, source: str, *, is_text: bool) -> str:
    """What was delivered, of a text or a value of the column's type: an empty text is none, the contract's default fills in."""
    given = f"nullif({source}, {text('')})" if is_text else source
    return given if column.default is None else f"coalesce({given}, {text(column.default)})"


def days_late(event_time: str) -> str:
    """Days from a time to its delivery on _dt, 0 for one after it."""
    return f"greatest(_dt - {name(event_time)}::date, 0)::integer"


def is_wrong(table: Table) -> str:
    """A condition on a row's texts and values, and the date of its delivery as _dt: whether anything is wrong with it."""
    return f"coalesce({' or '.join(condition for condition, _ in _faults(table, _as_delivered))}, false)"


def reason(table: Table) -> str:
    """An expression for all that is wrong with such a row, as one text, null where nothing is."""
    return _texts(_faults(table, _as_delivered))


def problem(table: Table) -> str:
    """Gives the same without what people wrote, so that it may be told and counted: of a value its form, or the unknown word."""
    return _texts(_faults(table, _without_content))


def _texts(faults: Sequence[tuple[str, str]]) -> str:
    cases = ", ".join(f"case when {condition} then {said} end" for condition, said in faults)
    return f"nullif(concat_ws('; ', {cases}), {text('')})"


def _as_delivered(column: Column, source: str) -> str:
    return f"to_json(left({source}, 100))"


def _without_content(column: Column, source: str) -> str:
    form = f"'of the form ' || to_json({_form(source)})"
    if not column.values or column.data_type != "varchar":
        return form
    is_word = f"length({source}) <= {SHOWN_CHARACTERS} and not regexp_matches({source}, '\\s')"
    return f"case when {is_word} then to_json({source})::varchar else {form} end"


def _form(source: str) -> str:
    """What a value looks like: digits and letters all the same, signs and the characters of Chinese dates as they are."""
    digits = f"regexp_replace(left({source}, {SHOWN_CHARACTERS}), '[0-9]', {text(DIGIT)}, 'g')"
    letters = f"regexp_replace({digits}, '[A-Za-z]', {text(LETTER)}, 'g')"
    return f"regexp_replace({letters}, {text(f'[^{DIGIT}{LETTER} :/.,+年月日时分秒星点-]')}, {text(OTHER)}, 'g')"


def _faults(table: Table, quoted: Callable[[Column, str], str]) -> list[tuple[str, str]]:
    """What can be wrong with a row: conditions, each with an expression for what is said of it."""
    faults = []
    for column in table.columns:
        source, read = raw_text(column.name), name(column.name)
        if column.required and column.data_type != "varchar[]":
            faults.append((f"{source} is null", text(f"{column.name}: missing")))
        for other, values in column.required_when.items():
            is_asked = f"{source} is null and {name(other)} in ({', '.join(map(text, values))})"
            faults.append((is_asked, f"{text(f'{column.name}: missing where {other} is ')} || {name(other)}"))
        if _can_be_unreadable(column):
            said = f"{text(f'{column.name}: ')} || {_what_is_wrong(column, source)} || ' ' || {quoted(column, source)}"
            faults.append((f"{source} is not null and {read} is null", said))
        if column.happened and settings()["event_times_are_checked"]:
            too_late = f"{column.name}: more than {_days_after()} days after its delivery"
            faults.append((_is_before(column.name), text(f"{column.name}: before {FIRST_YEAR}")))
            faults.append((_is_after(column.name), text(too_late)))
    return faults


def is_of_another_age(column: str) -> str:
    """A condition for a time of what happened that cannot be."""
    return f"({_is_before(column)} or {_is_after(column)})"


def _is_before(column: str) -> str:
    return f"year({name(column)}) < {FIRST_YEAR}"


def _is_after(column: str) -> str:
    return f"{name(column)} >= _dt + interval {_days_after() + 1} day"


def _days_after() -> int:
    return int(settings()["event_max_days_after_delivery"])


def _can_be_unreadable(column: Column) -> bool:
    return column.data_type != "varchar" or bool(column.values) or column.pattern is not None or column.is_id


def _what_is_wrong(column: Column, source: str) -> str:
    """An expression for what a value is that cannot be read."""
    if column.is_id:
        return text("an id that was a number too large for a spreadsheet or a float")
    if column.data_type in ("timestamp", "date"):
        kind = text("not a time" if column.data_type == "timestamp" else "not a date")
        serial = text("a date as a spreadsheet counts days, not")
        return f"case when regexp_full_match({source}, {text(SERIAL)}) then {serial} else {kind} end"
    if column.data_type == "boolean":
        return text("not a boolean")
    plain = text("unknown value" if column.values else "not readable")
    if column.data_type not in ("integer", "double"):
        return plain
    cases = [f"when regexp_full_match({source}, {text(NUMBER_WITH_UNIT)}) then {text('a number with a unit')}"]
    if column.most is not None:
        is_number = f"regexp_full_match({source}, {text(NUMBER)}) and isfinite(try_cast({source} as double))"
        cases.append(f"when {is_number} then {text(f'not between {column.least} and {column.most}')}")
    return f"case {' '.join(cases)} else {plain} end"


def remarks(columns: Iterable[Column]) -> list[tuple[str, str]]:
    """What of a row's texts can be read although it is written in another way: conditions, each with what is told of it."""
    remarks = []
    for column in columns:
        source, read = raw_text(column.name), name(column.name)
        if column.data_type in ("timestamp", "date"):
            is_epoch = f"length({source}) = 10 and " if column.data_type == "timestamp" else "false and "
            condition = f"({is_epoch}not contains({source}, '-')) or contains({source}, '/') or contains({source}, '年')"
            remarks.append((condition, f"{column.name}: times written in another way"))
        elif column.is_id:
            remarks.append(
                (f"{_may_be_float(source)} and {source} <> {read}", f"{column.name}: ids held as floats, read as whole numbers")
            )
        elif column.data_type == "varchar" and column.values:
            is_other = f"not {_is_one_of(column, source)} and {source} <> {read}"
            remarks.append((is_other, f"{column.name}: values with other capitals or spaces"))
    return remarks
