"""The command `kefu`."""

from __future__ import annotations

import argparse
import os
import re
import sys
from calendar import monthrange
from collections.abc import Sequence
from contextlib import suppress
from datetime import date, datetime
from importlib.metadata import version
from math import inf
from pathlib import Path

import duckdb

from orchestration.arguments import Parser
from orchestration.clock import BEIJING
from orchestration.errors import KefuError
from orchestration.home import PRIVATE
from orchestration.landing.contract import platforms
from orchestration.language import localized
from orchestration.spark.engine import DUCKDB, SPARK, choose, engine


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    os.umask(PRIVATE)
    try:
        return int(options.run(options) or 0)
    except (KefuError, OSError, duckdb.Error) as error:
        print(f"kefu: {localized(' '.join(str(error).split()))}", file=sys.stderr)
        return 1


def _parser() -> Parser:
    parser = Parser(prog="kefu", description="Customer-service figures of Chinese e-commerce, from raw chats.")
    parser.add_argument("--version", action="version", version=f"kefu {version('kefu')}, DuckDB {duckdb.__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    build = commands.add_parser("build", help="land what is new, rebuild the dates it touches, publish HOME/kefu.duckdb")
    build.add_argument("--landing", type=Path, required=True, metavar="DIR", help="folder <platform>/<table>/dt=YYYY-MM-DD/")
    build.add_argument("--home", type=Path, required=True, metavar="DIR", help="folder for everything kefu writes")
    build.add_argument("--start", type=_date, metavar="D", help="first business date to rebuild, YYYY-MM-DD, with --end")
    build.add_argument("--end", type=_date, metavar="D", help="last business date to rebuild; then no other date is")
    build.add_argument("--full-refresh", action="store_true", help="land every delivery again and rebuild every date")
    build.add_argument(
        "--without-buyer-key", action="store_true", help="publish buyers' ids as they are, though the home was built with a key"
    )
    build.add_argument("--prune", action="store_true", help="drop what has landed and is no longer in the landing folder")
    build.add_argument(
        "--select",
        type=_names,
        default=[],
        metavar="MART,MART",
        help="in a new home: build and publish only these marts and what they need; a build without it later does the rest",
    )
    build.add_argument("--engine", choices=(DUCKDB, SPARK), help="what models run on (default: KEFU_ENGINE, or duckdb)")
    build.add_argument(
        "--master",
        metavar="URL",
        help="Spark's master: spark://HOST:7077, yarn, k8s://... (default: KEFU_SPARK_MASTER, or local[*])",
    )
    build.set_defaults(run=_build, parser=build)

    check = commands.add_parser("check", help="say what landing would say of a folder; builds nothing and leaves nothing behind")
    check.add_argument("landing", type=Path, metavar="LANDING", help="folder <platform>/<table>/dt=YYYY-MM-DD/")
    check.set_defaults(run=_check)

    imports = commands.add_parser("import", help="read the platforms' own sheets, or sheets of chats, into the landing folder")
    imports.add_argument("files", type=Path, nargs="+", metavar="FILE", help=".xlsx, .xls, .csv or .json")
    imports.add_argument("--landing", type=Path, required=True, metavar="DIR", help="landing folder to write to")
    imports.add_argument("--shop", metavar="ID", help="the shop, where the sheet does not tell it by an id that has landed")
    imports.add_argument("--platform", choices=platforms(), help="where the headers could be of several platforms")
    imports.add_argument(
        "--period",
        metavar="P",
        help="the period, where the sheet tells none: 2026-04-17, 2026-04-01~2026-04-30, month:2026-04, ...",
    )
    imports.add_argument(
        "--mapping", type=Path, metavar="FILE", help="for sheets of chats: which column is which (docs/importing.md)"
    )
    imports.set_defaults(run=_import, parser=imports)

    rejected = commands.add_parser("rejected", help="the rows that could not be read, and why, as of the last published build")
    rejected.add_argument("--home", type=Path, required=True, metavar="DIR", help="the home that was built")
    rejected.set_defaults(run=_rejected)

    generate = commands.add_parser("generate", help="write realistic sample landing files; the same seed writes the same files")
    generate.add_argument("--landing", type=Path, required=True, metavar="DIR", help="folder to write to")
    generate.add_argument("--days", type=int, required=True, metavar="N", help="business days to generate")
    generate.add_argument("--shops", type=int, required=True, metavar="N", help="shops on each platform")
    generate.add_argument("--agents", type=int, required=True, metavar="N", help="human agents in each shop")
    generate.add_argument(
        "--messages-per-day",
        type=int,
        required=True,
        metavar="N",
        help="messages a day over all shops and platforms, on average: chats are drawn whole, so few days of few messages differ",
    )
    generate.add_argument(
        "--start", type=_date, default=date(2025, 9, 1), metavar="D", help="first business date (default %(default)s)"
    )
    generate.add_argument(
        "--seed", type=int, default=1, metavar="S", help="another seed writes other files (default %(default)s)"
    )
    generate.add_argument("--format", choices=["parquet", "csv", "jsonl"], default="parquet", help="default %(default)s")
    generate.add_argument(
        "--live", action="store_true", help="write the day after those days, line by line as it happens, from 09:00 on (jsonl)"
    )
    generate.add_argument("--speed", type=_speed, default=1, metavar="N", help="how fast that day goes by (default %(default)s)")
    generate.set_defaults(run=_generate, parser=generate)

    explain = commands.add_parser("explain", help="why a round, rating, session or figure is what it is, with its timeline")
    explain.add_argument(
        "id",
        metavar="ID",
        help="a round_id, streak_id, session_id, card_id, entry_id, conversation_id, a month's limit as README.md has it, or the "
        "figure PLATFORM/SHOP/YYYY-MM-DD/METRIC; where several things have an id, their full ids are named",
    )
    explain.add_argument("--home", type=Path, required=True, metavar="DIR", help="the home that was built")
    explain.set_defaults(run=_explain)

    live = commands.add_parser("live", help="keep HOME/live.duckdb current: who waits, bad ratings, how the day stands")
    live.add_argument("--landing", type=Path, required=True, metavar="DIR", help="landing folder, to which rows are added")
    live.add_argument("--home", type=Path, required=True, metavar="DIR", help="a home, built or new")
    live.add_argument("--every", type=_seconds, default=5, metavar="SECONDS", help="how often (default %(default)s)")
    live.add_argument(
        "--at",
        type=_time,
        metavar="TIME",
        help="the moment to look at, or to go on from, YYYY-MM-DD HH:MM:SS of Beijing (default: now)",
    )
    live.add_argument("--once", action="store_true", help="do it once and end")
    live.add_argument("--port", type=_port, metavar="N", help="serve a page with it on this port of the machine itself")
    live.add_argument("--socket", type=Path, metavar="FILE", help="serve the page on this socket, for a proxy")
    live.add_argument(
        "--speed", type=_speed, default=1, metavar="N", help="how fast time runs from --at on (default %(default)s)"
    )
    live.set_defaults(run=_live, parser=live)

    template = commands.add_parser(
        "template", help="write the tables that may land as empty CSV files, with a list of their columns"
    )
    template.add_argument("--to", type=Path, required=True, metavar="DIR", help="a new folder")
    template.add_argument("--platform", choices=platforms(), help="of one platform (default: all)")
    template.set_defaults(run=_template)

    docs = commands.add_parser("docs", help="write what tables, columns and clauses there are, as one HTML file")
    docs.add_argument("--home", type=Path, required=True, metavar="DIR", help="the home that was built")
    docs.add_argument("--to", type=Path, required=True, metavar="FILE", help="the .html to write; one that is there is replaced")
    docs.set_defaults(run=_docs)

    report = commands.add_parser("report", help="what the marts say of a period, as one HTML file or as a workbook of Excel")
    report.add_argument("--home", type=Path, required=True, metavar="DIR", help="the home that was built")
    report.add_argument(
        "--to", type=Path, required=True, metavar="FILE", help="the .html or .xlsx to write; one that is there is replaced"
    )
    report.add_argument("--platform", choices=platforms(), help="of one platform (default: all)")
    report.add_argument("--shop", metavar="ID", help="of one shop (default: all)")
    report.add_argument(
        "--period",
        type=_period,
        metavar="PERIOD",
        help="a month (2025-10), a day (2025-10-01) or days (2025-10-01..2025-10-07); default: the last 30 days of the marts",
    )
    report.set_defaults(run=_report_of)

    simulate = commands.add_parser("simulate", help="what the figures would be under other rules or with other answers")
    simulate.add_argument(
        "--home", type=Path, required=True, metavar="DIR", help="the home that was built; nothing in it changes"
    )
    simulate.add_argument(
        "--set",
        type=_setting,
        action="append",
        default=[],
        metavar="PARAMETER=VALUE",
        help="another value of a rule parameter, or of SCOPE.PARAMETER; more than once",
    )
    simulate.add_argument(
        "--without", action="append", default=[], metavar="CLAUSE", help="a clause that excludes nothing; more than once"
    )
    simulate.add_argument(
        "--replies-faster-by", type=_percent, default=0, metavar="P%", help="every reply comes by so much sooner, such as 20%%"
    )
    simulate.add_argument(
        "--cover",
        type=_hours,
        action="append",
        default=[],
        metavar="HH:MM-HH:MM",
        help="what opens in these hours is answered as in the hour before and after them; more than once",
    )
    simulate.add_argument("--from", type=_date, metavar="D", dest="since", help="first date (default: the last 30 with figures)")
    simulate.add_argument(
        "--to", type=_date_or_csv, action="append", default=[], metavar="D|FILE.csv", help="last date; and the file to write"
    )
    simulate.set_defaults(run=_simulate, parser=simulate)

    publish = commands.add_parser("publish", help="put the marts where other tools read them: PostgreSQL, or Parquet files")
    publish.add_argument("--home", type=Path, required=True, metavar="DIR", help="the home that was built")
    where = publish.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "--postgres",
        metavar="URL",
        help="postgresql://USER@HOST/DATABASE, schema marts; the password is best in PGPASSWORD or a passfile",
    )
    where.add_argument("--parquet", type=Path, metavar="DIR", help="a folder, new or one that this command made: DIR/current")
    publish.set_defaults(run=_publish)

    backup = commands.add_parser("backup", help="write a home to one file, once no build runs")
    backup.add_argument("--home", type=Path, required=True, metavar="DIR", help="the home to back up")
    backup.add_argument(
        "--to", type=Path, required=True, metavar="FILE", help="the .tar.gz to write; one that is there is replaced"
    )
    backup.set_defaults(run=_backup)

    restore = commands.add_parser("restore", help="make a home from a backup")
    restore.add_argument("--from", type=Path, required=True, metavar="FILE", help="what `kefu backup` wrote", dest="source")
    restore.add_argument("--home", type=Path, required=True, metavar="DIR", help="a folder that is empty or not there")
    restore.set_defaults(run=_restore)

    compact = commands.add_parser("compact", help="make a home's files as small as those of a fresh one, once no build runs")
    compact.add_argument("--home", type=Path, required=True, metavar="DIR", help="the home that was built")
    compact.set_defaults(run=_compact)

    forget = commands.add_parser("forget", help="remove a buyer from landing, warehouse and marts, and prove it")
    forget.add_argument(
        "--buyer",
        required=True,
        metavar="ID",
        help="buyer_id or user_id, as the exports write it, on any platform; - reads it from stdin",
    )
    forget.add_argument("--landing", type=Path, required=True, metavar="DIR", help="landing folder; its files are rewritten")
    forget.add_argument("--home", type=Path, required=True, metavar="DIR", help="the home that was built from it")
    forget.set_defaults(run=_forget)
    return parser


def _date(text: str) -> date:
    try:
        parsed = date.fromisoformat(text)  # which takes other ways to write a date, too
        if str(parsed) == text:
            return parsed
    except ValueError:
        pass
    raise argparse.ArgumentTypeError(f"{text} is not a date YYYY-MM-DD")


def _time(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is not a time YYYY-MM-DD HH:MM:SS") from None
    return at.astimezone(BEIJING).replace(tzinfo=None) if at.tzinfo else at


def _period(text: str) -> tuple[date, date]:
    """The first and the last day of a month, a day, or days."""
    try:
        if re.fullmatch(r"\d{4}-\d{2}", text):
            first = date.fromisoformat(f"{text}-01")
            return first, first.replace(day=monthrange(first.year, first.month)[1])
        first, last = (_date(day) for day in (text.split("..") if ".." in text else (text, text)))
    except (ValueError, argparse.ArgumentTypeError):
        raise argparse.ArgumentTypeError(f"{text} is not YYYY-MM, YYYY-MM-DD or YYYY-MM-DD..YYYY-MM-DD") from None
    if first > last:
        raise argparse.ArgumentTypeError(f"{text}: {last} is before {first}")
    return first, last


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise argparse.ArgumentTypeError(f"{text} is not a port from 1 to 65535")
    return int(text)


def _seconds(text: str) -> float:
    return _positive(text, "a number of seconds")


def _speed(text: str) -> float:
    return _positive(text, "a speed")


def _positive(text: str, what: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < inf:
        raise argparse.ArgumentTypeError(f"{text} is not {what} above 0")
    return number


def _setting(text: str) -> tuple[str, str]:
    parameter, equals, value = (part.strip() for part in text.partition("="))
    if not (parameter and equals and value):
        raise argparse.ArgumentTypeError(f"{text!r} is not PARAMETER=VALUE, such as response_target_seconds=120")
    return parameter, value


def _percent(text: str) -> float:
    number = re.fullmatch(r"(\d+(?:\.\d+)?)%", text.strip())
    if not number or not 0 < float(number[1]) < 100:
        raise argparse.ArgumentTypeError(f"{text!r} is not a share such as 20%, above 0% and below 100%")
    return float(number[1]) / 100


def _hours(text: str) -> tuple[str, str]:
    hours = re.fullmatch(r"((?:[01]\d|2[0-3]):[0-5]\d)-((?:[01]\d|2[0-3]):[0-5]\d|24:00)", text.strip())
    if not hours or hours[1] >= hours[2]:
        raise argparse.ArgumentTypeError(f"{text!r} is not hours of a day such as 12:00-13:00")
    return hours[1], hours[2]


def _date_or_csv(text: str) -> date | Path:
    return Path(text) if text.endswith(".csv") else _date(text)


def _names(text: str) -> list[str]:
    names = [name.strip() for name in text.split(",")]
    if not all(names):
        raise argparse.ArgumentTypeError(f"{text!r} is not a list of marts such as rounds,service_metrics")
    return list(dict.fromkeys(names))


def _report(line: str) -> None:
    """Prints a line in the language of who reads it."""
    _print(localized(line))


def _print(text: str) -> None:
    """Prints. Whoever has read enough (`| head`) stops nothing that is being done."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _build(options: argparse.Namespace) -> None:
    if (options.start is None) != (options.end is None):
        options.parser.error("--start and --end go together")
    if options.start and options.start > options.end:
        options.parser.error(f"--start {options.start} is after --end {options.end}")
    if options.start and options.full_refresh:
        options.parser.error("--full-refresh rebuilds every date: leave out --start and --end")

    if options.select and options.start:
        options.parser.error("--select builds every date: leave out --start and --end")
    choose(options.engine, options.master)
    engine()  # one that cannot be used is told of before anything lands

    from orchestration.build.state import Dates
    from orchestration.build.steps import build

    dates = Dates(options.start, options.end, with_touched=options.start is None)
    if not build(
        options.landing,
        options.home,
        dates,
        full_refresh=options.full_refresh,
        prune=options.prune,
        report=_report,
        without_key=options.without_buyer_key,
        marts=options.select,
    ):
        _report("nothing to do: everything that has landed is built and published")


def _check(options: argparse.Namespace) -> None:
    from orchestration.build.steps import check

    check(options.landing, _report)


def _import(options: argparse.Namespace) -> None:
    from orchestration.imports.command import import_files
    from orchestration.imports.figures import Options
    from orchestration.imports.periods import parse_period

    if options.mapping and options.period:
        options.parser.error("--period is for sheets of figures: of chats each row has its time")
    if options.shop is not None and not options.shop.strip():
        options.parser.error("--shop is empty")
    try:
        period = parse_period(options.period) if options.period else None
    except ValueError as error:
        options.parser.error(f"--period {error}")
    import_files(
        options.files,
        options.landing,
        platform=options.platform,
        options=Options(options.shop, period),
        mapping=options.mapping,
        report=_report,
    )


def _rejected(options: argparse.Namespace) -> None:
    from orchestration.landing.rejected import rejected

    for line in rejected(options.home):
        _report(line)


def _template(options: argparse.Namespace) -> None:
    from orchestration.landing.template import write_template

    _report(write_template(options.to, options.platform))


def _docs(options: argparse.Namespace) -> None:
    from orchestration.docs import write_docs

    _report(write_docs(options.home, options.to))


def _report_of(options: argparse.Namespace) -> None:
    from orchestration.report import Wanted, write_report

    _report(write_report(options.home, options.to, Wanted(options.platform, options.shop, options.period)))


def _simulate(options: argparse.Namespace) -> None:
    from orchestration.simulate import simulate
    from orchestration.simulate.changes import Changes

    changes = Changes(dict(options.set), options.without, options.replies_faster_by, options.cover)
    if changes == Changes({}, [], 0, []):
        options.parser.error("name what is to be otherwise: --set, --without, --replies-faster-by or --cover")
    dates = [each for each in options.to if isinstance(each, date)]
    files = [each for each in options.to if isinstance(each, Path)]
    if len(dates) > 1 or len(files) > 1:
        options.parser.error("--to names the last date, and one file: once each")
    simulate(
        options.home,
        changes,
        since=options.since,
        until=dates[0] if dates else None,
        to=files[0] if files else None,
        report=_report,
    )


def _publish(options: argparse.Namespace) -> None:
    if options.postgres:
        from orchestration.export.postgres import publish_postgres

        _report(publish_postgres(options.home, options.postgres))
    else:
        from orchestration.export.parquet import publish_parquet

        _report(publish_parquet(options.home, options.parquet))


def _generate(options: argparse.Namespace) -> None:
    if options.speed != 1 and not options.live:
        options.parser.error("--speed is for --live")

    from orchestration.sample.generate import Request, generate
    from orchestration.sample.live import generate_live

    sample = {
        "days": options.days,
        "shops": options.shops,
        "agents": options.agents,
        "messages_per_day": options.messages_per_day,
        "start": options.start,
        "seed": options.seed,
        "file_format": options.format,
    }
    try:
        if options.live:
            with suppress(KeyboardInterrupt):
                generate_live(Request(options.landing, **sample), speed=options.speed, report=_report)
            return
        messages = generate(options.landing, **sample, report=_report)
    except (ValueError, OSError) as error:
        raise KefuError(str(error)) from error
    _report(f"wrote {messages:,} messages to {options.landing}")


def _explain(options: argparse.Namespace) -> None:
    from orchestration.explain import explain

    _print(explain(options.home, options.id))  # which holds what people wrote


def _live(options: argparse.Namespace) -> None:
    if options.once and options.speed != 1:
        options.parser.error("--speed is for a clock that runs: leave out --once")
    if options.once and (options.port or options.socket):
        options.parser.error("--port and --socket are for a page that is renewed: leave out --once")
    if options.port and options.socket:
        options.parser.error("--port or --socket, not both")
    if options.speed != 1 and options.at is None:
        options.parser.error("--speed needs --at: time runs faster from there on")

    from orchestration.live.watch import look_once, watch

    if options.once:
        look_once(options.landing, options.home, options.at, _report)
        return
    with suppress(KeyboardInterrupt):
        watch(
            options.landing,
            options.home,
            every=options.every,
            at=options.at,
            speed=options.speed,
            report=_report,
            port=options.port,
            path=options.socket,
        )


def _backup(options: argparse.Namespace) -> None:
    from orchestration.backup import back_up

    if not (options.home / "warehouse.duckdb").exists():
        raise KefuError(f"--home {options.home} holds no warehouse: there is nothing to back up")
    _report(f"wrote {back_up(options.home, options.to):,} files to {options.to}")


def _restore(options: argparse.Namespace) -> None:
    from orchestration.backup import restore

    _report(f"restored {restore(options.source, options.home):,} files to {options.home}")


def _compact(options: argparse.Namespace) -> None:
    from orchestration.compact import compact

    compact(options.home, _report)


def _forget(options: argparse.Namespace) -> None:
    from orchestration.privacy.forget import forget

    buyer = sys.stdin.readline().rstrip("\r\n") if options.buyer == "-" else options.buyer  # others see the options of a process
    forget(options.landing, options.home, buyer, _report)
