"""Models, checks and macros hold only what DuckDB and Spark both take; where the two differ stands in macros/portable.sql,
macros/duckdb and macros/spark.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from orchestration.home import PROJECT

# What only one engine takes, by a pattern: what to write instead, and an example that the pattern finds.
OF_ONE_ENGINE = {
    r"\bvarchar\b": ("string", "null::varchar as account_id"),
    r"\b(?:hugeint|utinyint|usmallint|uinteger|ubigint)\b": (
        "a signed type, or decimal(38, 0)",
        "row_number() over ()::utinyint",
    ),
    r"::interval\b": ("time_of_day()", "opens_at::interval"),
    r"\binfinity'(?!::double)": ("a literal far away, 0001-01-01 or 9999-12-31", "coalesce(min(touched_from), 'infinity')"),
    r"\b(?:unnest|explode|generate_series|sequence)\(": ("each_date(), each_minute(), each_of(), or values", "unnest([1, 2])"),
    r"\bexclude \(|\* except \(": ("all_but()", "* exclude (kind)"),
    r"\*\s+replace\s*\(": ("all_but(), and the column anew", "select * replace (null as account_id)"),
    r"\bunion (?:all )?by name\b": ("the columns in one order", "union all by name"),
    r"\bin \(\s*select \(": ("in (select a, b from ..)", "(a, b) in (select (a, b) from c)"),
    r"\bignore nulls\b": ("latest_before(), next_after()", "lag(x ignore nulls) over w"),
    r"\b(?:date_diff|datediff|timestampdiff)\(": ("seconds_between(), days_between()", "date_diff('microsecond', a, b)"),
    r"\bisodow\b|\bdayofweek\(": ("a join with the days 7, 14, .. before", "isodow(dt)"),
    r"\b(?:hash|xxhash64)\(": ("hash_of(), sum_of_hashes()", "hash(shop_id)"),
    r"\b(?:struct_pack|named_struct)\(": ("struct_of()", "named_struct('a', 1)"),
    r"\b(?:list|collect_list|collect_set|array_agg)\(": ("ordered_list(), distinct_list()", "list(x order by y)"),
    r"\b(?:list_filter|filter)\(|\blambda\b": ("items_where()", "list_filter(reasons, lambda one: one <> 'a')"),
    r"\b(?:len|cardinality|array_length|size)\(": ("length_of()", "len(reasons) = 1"),
    r"\b(?:array_to_string|array_join|string_agg|listagg)\(": ("joined()", "array_to_string(words, '; ')"),
    r"\blist_(?!of\()\w+\(": ("array_contains(), or a macro of portable.sql", "list_contains(reasons, 'a')"),
    r"\b(?:arg_max|arg_min)\(": ("max_by(), min_by()", "arg_max(a, b)"),
    r"\b(?:starts_with|startswith)\(": ("left(.., n) = ", "starts_with(table_name, 'official_')"),
    r"\b(?:regexp_matches|regexp_like)\(": ("left() or right()", "regexp_matches(parameter, '_target$')"),
    r"\bgetvariable\(|\bset variable\b": ("a macro, as since_first_item()", "getvariable('first_item_at')"),
}
# Outside of Jinja, where lists and dictionaries are Python's.
OF_ONE_ENGINE_AS_SQL = {
    r"\[": ("list_of(), empty_list(), first_of()", "reasons[1]"),
    r"\{\s*'": ("struct_of()", "{'at': item_at}"),
}

MAY_DIFFER = {
    ("models/live/live_as_of.sql", r"\bgetvariable\(|\bset variable\b"): "DuckDB alone runs what is of a moment",
    ("models/metrics/_metrics__unit_tests.yml", r"\b(?:hash|xxhash64)\("): "each engine's own hash, by target.type",
}


def files() -> Iterator[Path]:
    """What both engines run: models, their unit tests, checks and macros but for those of one engine."""
    yield from (PROJECT / "models").rglob("*.sql")
    yield from (PROJECT / "models").rglob("*__unit_tests.yml")
    yield from (PROJECT / "tests" / "dbt").rglob("*.sql")
    yield from (path for path in (PROJECT / "macros").glob("*.sql") if path.name != "portable.sql")


def found(sql: str) -> Iterator[tuple[str, str]]:
    """The patterns found in SQL with Jinja, each with what to write instead."""
    code = re.sub(r"--[^\n]*|\{#.*?#\}", " ", sql, flags=re.DOTALL)
    without_hooks = re.sub(r"'\{\{.*?\}\}'", " ", code)  # which are Jinja within Jinja
    bare = re.sub(r"\{\{.*?\}\}|\{%.*?%\}", " ", without_hooks, flags=re.DOTALL)
    for patterns, text in ((OF_ONE_ENGINE, code), (OF_ONE_ENGINE_AS_SQL, bare)):
        for pattern, (instead, _) in patterns.items():
            if re.search(pattern, text):
                yield pattern, instead


def test_what_both_engines_run_holds_nothing_of_one() -> None:
    problems = []
    for path in files():
        name = path.relative_to(PROJECT).as_posix()
        text = path.read_text(encoding="utf-8")
        for pattern, instead in found(text):
            is_list_of_yaml = path.suffix == ".yml" and pattern in OF_ONE_ENGINE_AS_SQL
            if not is_list_of_yaml and (name, pattern) not in MAY_DIFFER:
                problems.append(f"{name} has {pattern}: write {instead}")
    assert not problems, "\n".join(["only one engine takes this (macros/portable.sql)", *problems])


@pytest.mark.parametrize("pattern", [*OF_ONE_ENGINE, *OF_ONE_ENGINE_AS_SQL])
def test_a_pattern_finds_its_example(pattern: str) -> None:
    example = (OF_ONE_ENGINE | OF_ONE_ENGINE_AS_SQL)[pattern][1]
    assert pattern in dict(found(f"select {example} from t"))
    assert pattern not in dict(found(f"-- {example}\nselect {{# {example} #}} a from t"))


def test_every_exception_is_needed() -> None:
    without = [name for name, pattern in MAY_DIFFER if not re.search(pattern, (PROJECT / name).read_text(encoding="utf-8"))]
    assert not without, "these hold nothing of one engine any more, take them off the list"
