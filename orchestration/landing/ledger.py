"""What became of each delivered row: landed, replaced by a later row, or rejected. Kept by file in schema raw, and told in lines.

A delivery of which many rows were rejected, or replace rows of somebody else, is doubtful: its dates are not published.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import duckdb

from orchestration.landing import columns
from orchestration.landing.contract import Table, settings
from orchestration.sql import name, text

SHOWN = 5  # files, reasons
OF_TABLE = ("raw.rejected_rows", "raw.replaced_rows", "raw.delivered_files", "raw.doubtful_dates")


def of(table: Table, dts: Sequence[date]) -> str:
    """The condition for what schema raw says of some deliveries of a table."""
    return f"{table.condition} and dt in ({listed(dts)})"


def listed(dts: Sequence[date]) -> str:
    return ", ".join(f"date {text(dt)}" for dt in dts)


def forget(connection: duckdb.DuckDBPyConnection, table: Table, dts: Sequence[date]) -> None:
    """Removes what is said of deliveries that land again, or are dropped."""
    for relation in OF_TABLE:
        connection.execute(f"delete from {relation} where {of(table, dts)}")


def write(connection: duckdb.DuckDBPyConnection, table: Table, dts: Sequence[date]) -> None:
    """Writes down what became of rows, also of those in temporary tables `rejected`, `broken_lines`, `replaced`."""
    names = f"{text(table.platform)}, {text(table.name)}"
    connection.execute(
        f"""
        insert into raw.rejected_rows (platform, table_name, dt, file, row_number, reason, problem, raw_row)
        select {names}, dt, file, row_number, reason, problem, raw from rejected
        union all
        select {names}, f._dt, f._file, b.row_number, b.reason, b.reason, b.raw_row
        from broken_lines b join incoming_files f on b._path = f._path;
        insert into raw.replaced_rows select {names}, * from replaced;
        insert into raw.delivered_files (platform, table_name, dt, file, delivered)
        select {names}, _dt, _file, delivered from incoming_files;
        """
    )
    _count(connection, table, dts)
    _doubt(connection, table, dts)


def count_landed(connection: duckdb.DuckDBPyConnection, table: Table, dts: Sequence[date]) -> None:
    """Counts the rows that landed into temporary table `landed_counts`, by dt, file and how many days late they came."""
    event, days_late = "null::timestamp", "null::integer"
    if table.event_time:
        event = name(table.event_time)
        days_late = f"case when {event} is not null then {columns.days_late(table.event_time)} end"
    connection.execute(
        f"""
        create or replace temp table landed_counts as
        select _dt as dt, _file as file, {days_late} as days_late, count(*) as row_count, max({event}) as newest_event_at
        from raw.{table.relation}
        where _dt in ({listed(dts)})
        group by all
        """
    )


def _count(connection: duckdb.DuckDBPyConnection, table: Table, dts: Sequence[date]) -> None:
    """Counts by file, whose name tells its platform, table and dt, what landed, was replaced and was rejected."""
    connection.execute(
        f"""
        update raw.delivered_files as f set landed = c.landed, replaced = c.replaced, rejected = c.rejected
        from (
            select
                file,
                coalesce(sum(row_count) filter (where fate = 'landed'), 0) as landed,
                coalesce(sum(row_count) filter (where fate = 'replaced'), 0) as replaced,
                coalesce(sum(row_count) filter (where fate = 'rejected'), 0) as rejected
            from (
                select 'landed' as fate, file, row_count from landed_counts
                union all
                select 'replaced', file, 1 from raw.replaced_rows where {of(table, dts)}
                union all
                select 'rejected', file, 1 from raw.rejected_rows where {of(table, dts)}
                union all
                select 'none', file, 0 from raw.delivered_files where {of(table, dts)}
            )
            group by file
        ) c
        where f.file = c.file
        """
    )


def forget_rejected(connection: duckdb.DuckDBPyConnection) -> None:
    """Counts anew after rejected rows were removed: such rows were never delivered."""
    _recount(connection, "rejected", "select file, count(*) as row_count from raw.rejected_rows group by file", "true")


def forget_landed(connection: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Counts anew after rows of a table were removed: such rows were never delivered."""
    rows = f"select _file as file, count(*) as row_count from raw.{table.relation} group by _file"
    _recount(connection, "landed", rows, table.condition)


def _recount(connection: duckdb.DuckDBPyConnection, fate: str, rows: str, condition: str) -> None:
    connection.execute(
        f"""
        update raw.delivered_files as f set delivered = delivered - {fate} + c.row_count, {fate} = c.row_count
        from (
            select d.file, coalesce(r.row_count, 0) as row_count
            from raw.delivered_files d left join ({rows}) r using (file) where {condition}
        ) c
        where f.file = c.file and f.{fate} <> c.row_count
        """
    )


def find_replacing(connection: duckdb.DuckDBPyConnection, table: Table, dts: Sequence[date]) -> None:
    """Fills temporary table `replacing`: rows of these deliveries that replace one of an earlier dt, and whether it was of
    another buyer, conversation or date. It reads `versions`, where the rows of affected keys are.
    """
    key = ", ".join(map(name, table.key))
    told = [column for column in (table.person, table.conversation) if column and column not in table.key]
    day = f"{name(table.happening)}::date" if table.happening else "null::date"
    # Where the conversation alone is told, as by its rating, another date is a new state: it is given again a day later.
    identity = ", ".join([*map(name, told), day if told or table.conversation not in table.key else "null::date"])
    connection.execute(
        f"""
        create or replace temp table several as
        select id, _dt from versions qualify count(*) over (partition by {key}) > 1;
        create or replace temp table replacing as
        select _dt, _file, _row, old_dt, old_date, new_date, identity <> old_identity as is_other
        from (
            select
                _dt, _file, _row, {day} as new_date, lag({day}) over of_key as old_date, lag(_dt) over of_key as old_dt,
                row({identity}) as identity, lag(row({identity})) over of_key as old_identity
            from raw.{table.relation}
            where rowid in (select id from several)
            window of_key as (partition by {key} order by _dt)
        )
        where old_dt is not null and _dt in ({listed(dts)})
        """
    )


def _doubt(connection: duckdb.DuckDBPyConnection, table: Table, dts: Sequence[date]) -> None:
    """Notes the dates of which many rows were rejected, or replace rows of somebody else."""
    limits = settings()
    names = f"{text(table.platform)}, {text(table.name)}"
    few_are_readable, many_are_others = connection.execute(
        f"""
        create or replace temp table shares as
        select
            *, rejected > {limits["held_rejected_min_share"]} * delivered and rejected >= {limits["held_min_rows"]}
                as few_are_readable,
            others > {limits["held_replaced_min_share"]} * delivered and others >= {limits["held_min_rows"]} as many_are_others
        from (
            select
                dt, sum(delivered) as delivered, sum(rejected) as rejected,
                (select count(*) from replacing where _dt = dt and is_other) as others
            from raw.delivered_files where {of(table, dts)} group by dt
        );
        select coalesce(bool_or(few_are_readable), false), coalesce(bool_or(many_are_others), false) from shares
        """
    ).fetchall()[0]
    if few_are_readable and table.event_time:
        connection.execute(
            f"""
            insert into raw.doubtful_dates
            with bad as (
                select dt, format('{{:,}} of {{:,}} rows rejected', rejected::bigint, delivered::bigint) as cause from shares
                where few_are_readable
            ),
            dated as (
                select dt, is_rejected, case when abs(dt - day) <= {columns.OLD_DAYS} then day end as day -- no other can be meant
                from (
                    select _dt as dt, false as is_rejected, {name(table.event_time)}::date as day
                    from raw.{table.relation} where _dt in ({listed(dts)})
                    union all
                    select dt, true, event_at::date from rejected
                )
                union all
                select f._dt, true, null from broken_lines join incoming_files f using (_path)
            ),
            undated as (select distinct dt from dated where is_rejected and day is null),
            found as ( -- a row without a date can be of any date of its delivery
                select dt, day from dated where is_rejected or dt in (from undated)
                union all
                select dt, unnest([dt - 1, dt]) from undated where dt not in (select dt from dated where day is not null)
            )
            select distinct {names}, b.dt, f.day, b.cause from bad b join found f using (dt) where f.day is not null
            """
        )
    if many_are_others:
        connection.execute(
            f"""
            insert into raw.doubtful_dates
            select distinct {names}, s.dt, unnest([r.old_date, r.new_date]), format(
                '{{:,}} of {{:,}} rows replace a row of another buyer, conversation or date', s.others, s.delivered::bigint
            )
            from shares s join replacing r on s.dt = r._dt and r.is_other and r.new_date is not null
            where s.many_are_others
            """
        )


def lines(connection: duckdb.DuckDBPyConnection, table: Table, dts: Sequence[date], forms: dict[str, list[str]]) -> list[str]:
    """What to tell of these deliveries besides how many rows landed; `forms` has remarks on the files as a whole, by name."""
    has_rejected, has_replaced, has_replacing = connection.execute(
        "select exists (from rejected) or exists (from broken_lines), exists (from replaced), exists (from replacing)"
    ).fetchall()[0]
    condition = of(table, dts)
    told = [f"{file}: {remark}" for file, remarks in forms.items() for remark in remarks]
    files = _lines(connection, _FILES.format(of=condition)) if has_rejected or has_replaced else []
    problems = _lines(connection, _PROBLEMS.format(of=condition)) if has_rejected else []
    return [
        *_first(told, "files"),
        *_first(files, "files"),
        *_first(problems, "reasons"),
        *_remarks(connection),
        *(_lines(connection, _REPEATED.format(of=condition)) if has_replaced else []),
        *(_lines(connection, _REPLACING) if has_replacing else []),
        *_lines(connection, _OLD.format(days=columns.OLD_DAYS)),
    ]


def _remarks(connection: duckdb.DuckDBPyConnection) -> list[str]:
    found = connection.execute(
        "select remark, sum(row_count) as n from remarks group by all having n > 0 order by all"
    ).fetchall()
    return [f"read: {count:,} x {remark}" for remark, count in found]


def missing(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """What has not come of the tables that come every day, of the platforms that deliver something."""
    return _lines(connection, _MISSING)


def _first(told: list[str], what: str) -> list[str]:
    return told[:SHOWN] + ([f"and {len(told) - SHOWN} more {what}"] if len(told) > SHOWN else [])


def _lines(connection: duckdb.DuckDBPyConnection, sql: str) -> list[str]:
    return [line for (line,) in connection.execute(sql).fetchall() if line]


# Queries that give lines.
_MISSING = """
    with spans as (select platform, min(dt) as first_dt, max(dt) as last_dt from raw.deliveries group by platform),
    expected as (
        select t.platform, t.table_name, unnest(generate_series(first_dt, last_dt, interval 1 day))::date as dt
        from raw.daily_tables t join spans using (platform)
    )
    select format('{}/{} has no delivery of {} days, such as dt={}', platform, table_name, count(*), min(dt))
    from expected anti join raw.deliveries using (platform, table_name, dt)
    group by platform, table_name order by all
"""
_FILES = """
    select format(
        '{{}}: {{:,}} rows delivered = {{:,}} landed + {{:,}} replaced by later rows of the dt + {{:,}} rejected',
        file, delivered, landed, replaced, rejected
    )
    from raw.delivered_files where {of} and (replaced > 0 or rejected > 0) order by file
"""
_PROBLEMS = """
    select format(
        '{{:,}} rejected: {{}}; such as row {{}} of {{}}', count(*), problem, min(row_number), arg_min(file, row_number)
    )
    from raw.rejected_rows where {of} group by problem order by count(*) desc, problem
"""
_REPEATED = """
    select case when count(*) > 0 then format(
        'warning: {{:,}} rows have the key of a later row of the dt and other content; such as row {{}} of {{}}, and row {{}}',
        count(*), min(row_number), arg_min(file, row_number), arg_min(by_row_number, row_number)
    ) end
    from raw.replaced_rows where {of} and not is_same
"""
_REPLACING = """
    select format('{:,} rows replace a row of an earlier delivery', count(*)) from replacing having count(*) > 0
    union all
    select format(
        'warning: {:,} of them replace one of another buyer, conversation or date; such as row {} of {}, and one of dt={}',
        count(*), min(_row), arg_min(_file, _row), arg_min(old_dt, _row)
    )
    from replacing where is_other having count(*) > 0
"""
_OLD = """
    select case when sum(row_count) > 0 then format(
        '{{:,}} rows are of more than {days} days before their delivery: not counted in how late rows usually are',
        sum(row_count)::bigint
    ) end
    from landed_counts where days_late > {days}
"""
