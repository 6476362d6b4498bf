"""From clause to model to test and back: every clause of the rules, every parameter and every reason is where it belongs."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from functools import cache

import duckdb
import pytest
import yaml

from orchestration.home import PROJECT
from orchestration.landing.contract import contract


def test_every_metric_says_what_it_is_computed_from() -> None:
    tables = seed("metric_tables")
    needed = {(row["platform"], row["metric"]) for row in tables if row["is_required"] == "true"}
    assert {(row["platform"], row["metric"]) for row in seed("metrics")} == needed
    assert {(row["platform"], row["table_name"]) for row in tables} <= contract().keys()


@cache
def seed(name: str) -> list[dict[str, str]]:
    with (PROJECT / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@cache
def texts(folder: str, suffix: str) -> dict[str, str]:
    """The files in and below a folder of the project, by name without the suffix, which dbt keeps unique for models."""
    return {path.stem: path.read_text(encoding="utf-8") for path in (PROJECT / folder).rglob(f"*{suffix}")}


def implemented() -> dict[str, str]:
    """The model that applies a clause, for the clauses that have one."""
    return {row["clause_id"]: row["implemented_in"] for row in seed("rule_clauses") if row["implemented_in"]}


def unit_test_names() -> Iterator[str]:
    for path in (PROJECT / "models").rglob("*.yml"):
        for test in yaml.safe_load(path.read_text(encoding="utf-8")).get("unit_tests", []):
            yield test["name"]


def names_in(text: str) -> set[str]:
    """The words of a text; T-01 is one."""
    return set(re.findall(r"[A-Z]-\d\d|\w+", text))


def text_of_model(model: str) -> str:
    """What a model says, with the macros it calls and the seeds it reads (the list of clauses itself apart)."""
    own = texts("models", ".sql")[model]
    called = [text for name, text in texts("macros", ".sql").items() if re.search(rf"\b{name}\(", own)]
    read = [text for name, text in texts("seeds", ".csv").items() if f"ref('{name}')" in own and name != "rule_clauses"]
    return "\n".join([own, *called, *read])


def test_a_clause_has_a_number_and_the_letter_of_its_platform() -> None:
    assert [row["clause_id"] for row in seed("rule_clauses") if not re.fullmatch(r"[A-Z]-\d\d", row["clause_id"])] == []
    letters = {(row["platform"], row["clause_id"][0]) for row in seed("rule_clauses") if row["platform"] != "common"}
    assert {row["clause_id"][0] for row in seed("rule_clauses") if row["platform"] == "common"} == {"W", "V"}
    assert len(letters) == len({platform for platform, _ in letters}) == len({letter for _, letter in letters}), letters


def test_a_clause_that_is_named_is_in_the_list() -> None:
    """So no row is lost of a clause that anything applies or tests."""
    files = [path for folder in ("models", "macros", "seeds", "orchestration") for path in (PROJECT / folder).rglob("*.*")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in files if path.suffix in (".sql", ".yml", ".csv", ".py"))
    letters = "".join(sorted({row["clause_id"][0] for row in seed("rule_clauses")}))
    named = {found.replace("_", "-") for found in re.findall(rf"\b[{letters}][-_]\d\d(?=\b|_)", text)}
    assert named - {row["clause_id"] for row in seed("rule_clauses")} == set()


def test_clauses_name_models_that_exist() -> None:
    assert {clause: model for clause, model in implemented().items() if model not in texts("models", ".sql")} == {}


def test_models_name_the_clauses_they_apply() -> None:
    """A model of all platforms may leave it to the seeds it works by: a parameter of the clause, or a reason that it gives."""
    by_seeds = {row["clause_id"] for name in ("rule_parameters", "exclusion_reasons") for row in seed(name)}
    common = {path.stem for path in (PROJECT / "models").glob("*/*.sql")}
    assert {
        clause: model
        for clause, model in implemented().items()
        if clause not in names_in(text_of_model(model)) and not (model in common and clause in by_seeds)
    } == {}


def test_every_implemented_clause_has_a_unit_test() -> None:
    tested = {name[:4].replace("_", "-") for name in unit_test_names()}
    assert [clause for clause in implemented() if clause not in tested] == []


def test_every_parameter_of_an_implemented_clause_is_read() -> None:
    words = names_in("\n".join(text for folder in ("models", "macros", "tests/dbt") for text in texts(folder, ".sql").values()))
    of_metrics = {
        f"{row['metric']}{suffix}"
        for row in seed("metrics")
        for suffix in ("_target", "_min_denominator", "_month_lag_days", "_assessed_period")
    }
    parameters = {row["parameter"] for row in seed("rule_parameters") if row["clause_id"] in implemented()}
    assert parameters - words - of_metrics == set()


@pytest.mark.parametrize("platform", sorted({row["platform"] for row in seed("exclusion_reasons")}))
def test_the_reasons_are_those_that_exclusions_give(platform: str) -> None:
    """A reason is given by name, or is the value of a landed column: every value but the ordinary one. Some are all platforms'.

    That none is given which the seed lacks is checked in every build, too: exclusions_are_described.
    """
    expected = {row["reason"] for row in seed("exclusion_reasons") if row["platform"] == platform}
    shared = set(re.findall(r"'(\w+)' as reason", texts("models", ".sql")["int_round_exclusions"]))
    models = [text for name, text in texts("models", ".sql").items() if re.fullmatch(rf"int_{platform}__\w*exclusions", name)]
    named = {reason for text in models for reason in re.findall(r"'(\w+)' as reason", text)}
    columns = {column for text in models for column in re.findall(r"\w+\.(\w+) as reason", text)}
    landed = {value for column in columns for value in landed_values(platform, column)} - {"consumer"}
    assert shared and named | landed | (shared & expected) == expected


def landed_values(platform: str, column: str) -> Iterator[str]:
    """The values that the landing contract allows in a column."""
    for source in yaml.safe_load(texts("models/sources", ".yml")[platform])["sources"]:
        for table in source["tables"]:
            for described in table["columns"]:
                if described["name"] == column:
                    yield from described["config"]["meta"]["values"]


SINCE_EVER, FOR_EVER = None, None


@pytest.mark.parametrize(
    ("check", "versions", "found"),
    [
        ("do_not_overlap", [("08:00", SINCE_EVER, "2022-07-05"), ("09:00", "2022-07-06", FOR_EVER)], []),
        ("do_not_overlap", [("08:00", SINCE_EVER, "2022-07-06"), ("09:00", "2022-07-06", FOR_EVER)], ["09:00"]),
        ("do_not_overlap", [("08:00", SINCE_EVER, FOR_EVER), ("09:00", "2022-07-06", "2022-07-31")], ["09:00"]),
        ("do_not_overlap", [("08:00", SINCE_EVER, FOR_EVER), ("08:00", SINCE_EVER, FOR_EVER)], ["08:00"]),
        ("have_no_gap", [("08:00", SINCE_EVER, "2022-07-05"), ("09:00", "2022-07-06", "2022-12-31")], []),
        ("have_no_gap", [("08:00", SINCE_EVER, "2022-07-04"), ("09:00", "2022-07-06", FOR_EVER)], ["09:00"]),
        ("have_no_gap", [("08:00", "2022-07-06", "2022-07-05")], ["08:00"]),
    ],
)
def test_what_the_checks_of_rule_parameters_find(
    check: str, versions: list[tuple[str, str | None, str | None]], found: list[str]
) -> None:
    sql = (PROJECT / "tests" / "dbt" / "rules" / f"rule_parameters_{check}.sql").read_text(encoding="utf-8")
    with duckdb.connect() as connection:
        connection.execute(
            "create table rule_parameters (scope varchar, parameter varchar, value varchar, valid_from date, valid_to date)"
        )
        connection.execute("insert into rule_parameters values ('tmall', 'window_end', '23:00', '2022-07-05', '2022-07-06')")
        connection.executemany("insert into rule_parameters values ('tmall', 'window_start', ?, ?, ?)", versions)
        rows = connection.execute(sql.replace("{{ ref('rule_parameters') }}", "rule_parameters")).fetchall()
    assert [row[:3] for row in rows] == [("tmall", "window_start", value) for value in found]
