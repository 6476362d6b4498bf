"""How the text of a column becomes its value, and what is said of one that cannot be read. SQL expressions, nothing runs here."""

from __future__ import annotations

from orchestration.landing.contract import Column, Table
from orchestration.sql import name, text

DATE = r"[1-9]\d{3}-\d{2}-\d{2}"
LOCAL_TIME = DATE + r"[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?"
OFFSET = r"(Z|[+-](0\d|1[0-4])(:?[0-5]\d)?)"
EPOCH = r"\d{13}(\.0+)?"  # with a fraction where an export holds numbers as floats
MIDNIGHT = r"([ T]00:00:00(\.0+)?)?"  # of a date that an export holds as a time
INTEGER = r"-?\d{1,9}(\.0+)?"
NUMBER = r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?"


def value(column: Column, source: str) -> str:
    """The typed value of the text expression `source`; null where it cannot be read."""
    if column.data_type == "timestamp":
        # China has had one offset and no summer time since 1992; an epoch in milliseconds therefore only shifts.
        return f"""case
            when regexp_full_match({source}, {text(LOCAL_TIME)}) then try_cast({source} as timestamp)
            when regexp_full_match({source}, {text(EPOCH)})
                then make_timestamp(left({source}, 13)::bigint * 1000) + interval 8 hour
            when regexp_full_match({source}, {text(LOCAL_TIME + OFFSET)})
                then try_cast({source} as timestamptz) at time zone 'Asia/Shanghai'
        end"""
    if column.data_type == "date":
        return f"case when regexp_full_match({source}, {text(DATE + MIDNIGHT)}) then try_cast(left({source}, 10) as date) end"
    if column.data_type == "boolean":
        return f"case lower({source}) when 'true' then true when '1' then true when 'false' then false when '0' then false end"
    if column.data_type == "varchar[]":
        return f"""case
            when {source} is null then []::varchar[]
            when {source}[1] = '[' then try_cast(try_cast({source} as json) as varchar[])
            else string_split({source}, '|')
        end"""
    if column.data_type == "varchar":
        checks = []
        if column.values:
            checks.append(f"list_contains([{', '.join(map(text, column.values))}], {source})")
        if column.pattern:
            checks.append(f"regexp_full_match({source}, {text(column.pattern)})")
        return f"case when {' and '.join(checks)} then {source} end" if checks else source
    read = f"try_cast({source} as {column.data_type})"
    checks = [f"regexp_full_match({source}, {text(INTEGER if column.data_type == 'integer' else NUMBER)})"]
    checks.append(f"{read} in ({', '.join(column.values)})" if column.values else f"isfinite({read}::double)")
    return f"case when {' and '.join(checks)} then {read} end"


def raw_text(column: str) -> str:
    """The column that holds the text as delivered, beside the one with the value."""
    return name(f"text of {column}")


def reason(table: Table) -> str:
    """An expression for all that is wrong with a row, as one text, null where nothing is. It reads the row's texts and values."""
    problems = []
    for column in table.columns:
        source, read = raw_text(column.name), name(column.name)
        if column.required and column.data_type != "varchar[]":
            problems.append(f"when {source} is null then {text(f'{column.name}: missing')}")
        for other, values in column.required_when.items():
            problems.append(
                f"when {source} is null and {raw_text(other)} in ({', '.join(map(text, values))})"
                f" then {text(f'{column.name}: missing where {other} is ')} || {raw_text(other)}"
            )
        if _can_be_unreadable(column):
            what = {"timestamp": "not a time", "date": "not a date", "boolean": "not a boolean"}.get(
                column.data_type, "unknown value" if column.values else "not readable"
            )
            said = text(f"{column.name}: {what} ")
            problems.append(f"when {source} is not null and {read} is null then {said} || to_json(left({source}, 100))")
    return f"nullif(concat_ws('; ', {', '.join(f'case {problem} end' for problem in problems)}), '')"


def _can_be_unreadable(column: Column) -> bool:
    return column.data_type != "varchar" or bool(column.values) or column.pattern is not None
