"""Readers open HOME/kefu.duckdb at any time and see a whole state; a build that fails a check changes nothing for them."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import duckdb
import pytest
from harness import FIXTURES, build, kefu, marts, query, warehouse

READERS, BUILDS = 4, 3

# Reads until it is told to stop, and once more then: every state has as many rounds as exclusion_summary says, and two messages
# for each of them. Prints a state when it sees it first.
READER = """
import sys, time, duckdb
from pathlib import Path
published, stop = Path(sys.argv[1]), Path(sys.argv[2])
seen = set()
is_told = False
while not is_told:
    is_told = stop.exists()
    with duckdb.connect(str(published), read_only=True) as marts:
        rounds, summed, messages = marts.execute('''
            select
                (select count(*) from marts.taobao_rounds),
                (select sum(rounds) from marts.exclusion_summary),
                (select row_count from marts.data_freshness where table_name = 'messages')
        ''').fetchone()
    assert rounds == summed == messages / 2, (rounds, summed, messages)
    if rounds not in seen:
        print(rounds, flush=True)
    seen.add(rounds)
    time.sleep(0.2)  # they leave the builds some room
"""


def write_rounds(landing: Path, count: int) -> None:
    """A delivery of so many questions with an answer each, in one conversation."""
    folder = landing / "taobao" / "messages" / "dt=2025-10-02"
    folder.mkdir(parents=True, exist_ok=True)
    rows = [
        {
            "message_id": f"m{number}", "conversation_id": "c", "shop_id": "s", "buyer_id": "b", "account_id": "a",
            "direction": "outbound" if number % 2 else "inbound", "author_kind": "agent" if number % 2 else "consumer",
            "peer_kind": "consumer", "message_type": "text", "sent_at": f"2025-10-01 12:{number:02}:00",
        }
        for number in range(2 * count)
    ]  # fmt: skip
    (folder / "part.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")


def test_readers_see_only_whole_states_while_builds_publish(begun_home: Path, tmp_path: Path) -> None:
    landing, home, stop = tmp_path / "landing", begun_home, tmp_path / "stop"
    write_rounds(landing, 1)
    build(landing, home)
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READER, str(home / "kefu.duckdb"), str(stop)],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(READERS)
    ]  # fmt: skip
    try:
        for reader in readers:
            assert reader.stdout is not None and reader.stdout.readline() == "1\n"
        for count in range(2, 2 + BUILDS):
            write_rounds(landing, count)
            build(landing, home)
    finally:
        stop.touch()
        outcomes = [reader.communicate(timeout=60) for reader in readers]
    assert [error for _, error in outcomes if error] == []
    assert all(f"{1 + BUILDS}" in states.split() for states, _ in outcomes), "each has seen the first state and the last"
    assert query(home, "select count(*) from marts.taobao_rounds") == [(1 + BUILDS,)]
    assert len(list((home / "published").iterdir())) == 2, "the published version and the one before are kept"


def test_a_failed_check_leaves_the_last_good_version_and_says_so(begun_home: Path, tmp_path: Path) -> None:
    landing, home = tmp_path / "landing", begun_home
    write_rounds(landing, 2)
    build(landing, home)
    good, version = marts(home), (home / "kefu.duckdb").resolve()
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:  # what no landing lets in: an account twice
        connection.execute(
            "insert into raw.taobao_accounts (account_id, shop_id, _stands) values ('a', 's', true), ('a', 's', true)"
        )
    write_rounds(landing, 3)
    outcome = kefu("build", "--landing", landing, "--home", home)
    assert outcome.code == 1
    assert outcome.err.count("\n") == 1
    assert "check common_keys_are_unique failed: 2 rows: mart=accounts, " in outcome.err
    assert (home / "kefu.duckdb").resolve() == version
    assert marts(home) == good
    assert kefu("build", "--landing", landing, "--home", home).code == 1, "what failed is tried again, not forgotten"
    with duckdb.connect(str(home / "warehouse.duckdb")) as connection:
        connection.execute("delete from raw.taobao_accounts")
    build(landing, home)
    build(landing, tmp_path / "fresh")
    assert marts(home) == marts(tmp_path / "fresh")


@pytest.fixture(scope="module")
def published(built_homes: dict[str, Path]) -> Path:
    return built_homes["case101"] / "kefu.duckdb"


def test_older_readers_can_open_it(published: Path) -> None:
    header = published.read_bytes()[:20]
    assert header[8:12] == b"DUCK"
    assert int.from_bytes(header[12:20], "little") == 64, "the storage version of DuckDB 1.0.0"


def test_every_table_and_column_has_a_description(published: Path) -> None:
    with duckdb.connect(str(published), read_only=True) as connection:
        bare = connection.execute(
            """
            select table_name from duckdb_tables() where comment is null
            union all
            select table_name || '.' || column_name from duckdb_columns() where schema_name = 'marts' and comment is null
            """
        ).fetchall()
    assert bare == []


def test_the_marts_have_the_columns_of_the_contract(published: Path) -> None:
    contract = {
        "taobao_rounds": "round_id VARCHAR, conversation_id VARCHAR, shop_id VARCHAR, buyer_id VARCHAR, account_id "
        "VARCHAR, business_date DATE, first_message_id VARCHAR, first_message_at TIMESTAMP, clock_started_at TIMESTAMP, "
        "first_reply_id VARCHAR, first_reply_at TIMESTAMP, response_seconds DOUBLE, is_counted BOOLEAN, is_on_time "
        "BOOLEAN, exclusion_reasons VARCHAR[], rule_version VARCHAR",
        "taobao_message_streaks": "streak_id VARCHAR, shop_id VARCHAR, buyer_id VARCHAR, started_at TIMESTAMP, ended_at "
        "TIMESTAMP, counted_messages BIGINT, reached_limit_at TIMESTAMP, ended_by VARCHAR, closed_from TIMESTAMP, "
        "closed_until TIMESTAMP, messages_after_rejection BIGINT",
        "taobao_rejection_prompts": "prompt_id VARCHAR, shop_id VARCHAR, buyer_id VARCHAR, account_id VARCHAR, trigger "
        "VARCHAR, triggered_at TIMESTAMP, business_date DATE, exposed_at TIMESTAMP, clicked_at TIMESTAMP, "
        "is_exposed_in_time BOOLEAN, is_clicked_in_time BOOLEAN",
        "taobao_rejection_status": "shop_id VARCHAR, month DATE, exposures BIGINT, clicks BIGINT, click_rate DOUBLE, band "
        "VARCHAR, is_assessed BOOLEAN",
        "taobao_message_limits": "shop_id VARCHAR, month DATE, limit_kind VARCHAR, starts_on DATE, ends_on DATE, exposures "
        "BIGINT, click_rate DOUBLE",
        "taobao_vip_pushes": "message_id VARCHAR, shop_id VARCHAR, buyer_id VARCHAR, sent_at TIMESTAMP, is_within_limit BOOLEAN",
        "taobao_discouraged_messages": "message_id VARCHAR, shop_id VARCHAR, account_id VARCHAR, buyer_id VARCHAR, "
        "business_date DATE, sent_at TIMESTAMP, phrases VARCHAR[]",
        "taobao_grades": "shop_id VARCHAR, month DATE, grade VARCHAR, grade_source VARCHAR, response_rate DOUBLE, "
        "satisfaction_rate DOUBLE, ratings BIGINT, all_ratings BIGINT, is_rating_gate_met BOOLEAN, experience_score "
        "DOUBLE, is_experience_gate_met BOOLEAN, disqualified_by VARCHAR, cancelled_on DATE, next_grade VARCHAR, "
        "gap_to_next VARCHAR",
        "taobao_priority_receptions": "entry_id VARCHAR, shop_id VARCHAR, buyer_id VARCHAR, entered_at TIMESTAMP, outcome "
        "VARCHAR, not_eligible_reason VARCHAR, expected_prompt_kind VARCHAR, expected_prompt_text_key VARCHAR, "
        "prompt_suppressed_by VARCHAR, routed_as_expected BOOLEAN, prompt_as_expected BOOLEAN, is_double_priority BOOLEAN",
        "kuaishou_rounds": "round_id VARCHAR, session_id VARCHAR, shop_id VARCHAR, user_id VARCHAR, agent_id VARCHAR, "
        "business_date DATE, first_message_id VARCHAR, first_message_at TIMESTAMP, clock_started_at TIMESTAMP, "
        "first_reply_id VARCHAR, first_reply_at TIMESTAMP, response_seconds DOUBLE, is_counted BOOLEAN, is_on_time "
        "BOOLEAN, exclusion_reasons VARCHAR[], rule_version VARCHAR",
        "taobao_ratings": "card_id VARCHAR, shop_id VARCHAR, buyer_id VARCHAR, account_id VARCHAR, trigger VARCHAR, "
        "sent_at TIMESTAMP, business_date DATE, eval_code INTEGER, submissions BIGINT, is_counted BOOLEAN, is_satisfied "
        "BOOLEAN, is_manual_invite_forbidden BOOLEAN, exclusion_reasons VARCHAR[]",
        "rating_changes": "card_id VARCHAR, shop_id VARCHAR, account_id VARCHAR, buyer_id VARCHAR, change_number INTEGER, "
        "from_value INTEGER, to_value INTEGER, changed_at TIMESTAMP, is_effective BOOLEAN",
        "taobao_rating_recoveries": "card_id VARCHAR, shop_id VARCHAR, buyer_id VARCHAR, account_id VARCHAR, "
        "first_rated_at TIMESTAMP, first_eval_code INTEGER, current_eval_code INTEGER, is_recovered BOOLEAN, edits_left "
        "INTEGER, editable_until TIMESTAMP, is_editable BOOLEAN, second_line_available BOOLEAN",
        "taobao_rating_invites": "shop_id VARCHAR, buyer_id VARCHAR, account_id VARCHAR, trigger_message_id VARCHAR, "
        "due_at TIMESTAMP, expected VARCHAR, card_id VARCHAR",
        "kuaishou_ratings": "card_id VARCHAR, shop_id VARCHAR, user_id VARCHAR, agent_id VARCHAR, channel VARCHAR, sent_at "
        "TIMESTAMP, business_date DATE, level VARCHAR, is_counted BOOLEAN, is_satisfied BOOLEAN, exclusion_reasons "
        "VARCHAR[]",
        "kuaishou_realtime": "shop_id VARCHAR, as_of TIMESTAMP, consulted_users BIGINT, unanswered_users BIGINT, value DOUBLE",
        "kuaishou_assisted_after_sales": "request_id VARCHAR, shop_id VARCHAR, user_id VARCHAR, agent_id VARCHAR, "
        "initiated_at TIMESTAMP, is_eligible BOOLEAN, outcome VARCHAR, review VARCHAR, minutes_to_response DOUBLE",
        "xiaohongshu_sessions": "session_id VARCHAR, shop_id VARCHAR, user_id VARCHAR, account_id VARCHAR, business_date "
        "DATE, entered_at TIMESTAMP, ended_at TIMESTAMP, first_reply_at TIMESTAMP, first_response_seconds DOUBLE, "
        "in_work_hours BOOLEAN, is_counted BOOLEAN, is_on_time BOOLEAN, is_replied_24h BOOLEAN, is_replied_3min BOOLEAN, "
        "reply_intervals INTEGER, reply_interval_seconds DOUBLE, stars INTEGER, last_speaker VARCHAR, exclusion_reasons "
        "VARCHAR[], rule_version VARCHAR",
        "xiaohongshu_assessments": "shop_id VARCHAR, month DATE, first_response_rate_45s DOUBLE, "
        "avg_reply_interval_seconds DOUBLE, satisfaction_rate DOUBLE, is_first_response_met BOOLEAN, "
        "is_reply_interval_met BOOLEAN, is_satisfaction_met BOOLEAN, is_passed BOOLEAN",
        "xiaohongshu_inspection_samples": "session_id VARCHAR, shop_id VARCHAR, account_id VARCHAR, business_date DATE, "
        "sample_rank INTEGER",
        "xiaohongshu_coverage": "shop_id VARCHAR, business_date DATE, hour INTEGER, entered_sessions BIGINT, "
        "agent_messages BIGINT, is_gap BOOLEAN",
        "xiaohongshu_work_hours": "shop_id VARCHAR, valid_from DATE, valid_to DATE, set_opens_at VARCHAR, set_closes_at "
        "VARCHAR, opens_at VARCHAR, closes_at VARCHAR, is_widened BOOLEAN",
        "service_metrics": "platform VARCHAR, metric VARCHAR, subject VARCHAR, shop_id VARCHAR, account_id VARCHAR, period "
        "VARCHAR, period_start DATE, period_end DATE, numerator DOUBLE, denominator DOUBLE, value DOUBLE, target DOUBLE, "
        "is_assessed BOOLEAN, is_met BOOLEAN, is_assessment_period BOOLEAN, rule_version VARCHAR, month DATE, "
        "days_with_data INTEGER, is_complete BOOLEAN",
        "metric_coverage": "platform VARCHAR, metric VARCHAR, table_name VARCHAR, is_required BOOLEAN, is_delivered "
        "BOOLEAN, effect_en VARCHAR, effect_zh VARCHAR",
        "reception_daily": "platform VARCHAR, shop_id VARCHAR, account_id VARCHAR, business_date DATE, consulted_buyers "
        "BIGINT, received_buyers BIGINT, unreplied_buyers BIGINT, buyer_messages BIGINT, agent_messages BIGINT, "
        "answer_ask_ratio DOUBLE, agent_characters BIGINT, first_response_seconds DOUBLE, avg_response_seconds DOUBLE, "
        "reception_seconds DOUBLE, effective_buyers BIGINT, consultations BIGINT, answered_consultations BIGINT, "
        "unanswered_consultations BIGINT, reply_rate DOUBLE, buyer_initiated BIGINT, agent_initiated BIGINT, slow_buyers "
        "BIGINT, long_buyers BIGINT, messages BIGINT",
        "metric_outlook": "platform VARCHAR, metric VARCHAR, shop_id VARCHAR, period VARCHAR, period_start DATE, "
        "period_end DATE, numerator DOUBLE, denominator DOUBLE, value DOUBLE, unit VARCHAR, target DOUBLE, is_assessed "
        "BOOLEAN, days_left INTEGER, expected_denominator DOUBLE, needed_numerator DOUBLE, allowed_numerator DOUBLE, "
        "status VARCHAR",
        "exclusion_summary": "platform VARCHAR, shop_id VARCHAR, business_date DATE, reason VARCHAR, rounds BIGINT",
        "shops": "platform VARCHAR, shop_id VARCHAR, marketplace VARCHAR, shop_name VARCHAR",
        "accounts": "platform VARCHAR, shop_id VARCHAR, account_id VARCHAR, account_type VARCHAR, display_name VARCHAR, "
        "is_second_line BOOLEAN, disabled_at TIMESTAMP",
        "rule_parameters": "scope VARCHAR, parameter VARCHAR, value VARCHAR, valid_from DATE, valid_to DATE, clause_id "
        "VARCHAR, confidence VARCHAR, source VARCHAR",
        "rule_clauses": "clause_id VARCHAR, platform VARCHAR, title_en VARCHAR, title_zh VARCHAR, reading VARCHAR, "
        "implemented_in VARCHAR, shapes VARCHAR",
        "metric_revisions": "platform VARCHAR, metric VARCHAR, subject VARCHAR, shop_id VARCHAR, account_id VARCHAR, "
        "period VARCHAR, period_end DATE, revision INTEGER, value DOUBLE, numerator DOUBLE, denominator DOUBLE, "
        "published_at TIMESTAMP",
        "data_freshness": "platform VARCHAR, table_name VARCHAR, last_dt DATE, last_event_at TIMESTAMP, row_count BIGINT, "
        "rejected_row_count BIGINT",
        "delivery_status": "platform VARCHAR, table_name VARCHAR, dt DATE, is_delivered BOOLEAN, row_count BIGINT, "
        "rejected_row_count BIGINT, rejected_share DOUBLE, usual_row_count DOUBLE, volume_ratio DOUBLE",
        "delivery_lateness": "platform VARCHAR, table_name VARCHAR, days_late INTEGER, row_count BIGINT, landed_share DOUBLE",
        "exclusion_reasons": "platform VARCHAR, reason VARCHAR, clause_id VARCHAR, text_en VARCHAR, text_zh VARCHAR, kind "
        "VARCHAR, sort_order INTEGER",
        "metrics": "platform VARCHAR, metric VARCHAR, title_en VARCHAR, title_zh VARCHAR, unit VARCHAR, better VARCHAR, "
        "numerator_en VARCHAR, numerator_zh VARCHAR, denominator_en VARCHAR, denominator_zh VARCHAR, clause_id VARCHAR",
        "dates": "calendar_date DATE, weekday INTEGER, day_kind VARCHAR, is_working_day BOOLEAN, holiday_en VARCHAR, holiday_zh "
        "VARCHAR, is_announced BOOLEAN",
        "rating_daily": "platform VARCHAR, shop_id VARCHAR, account_id VARCHAR, business_date DATE, origin VARCHAR, "
        "received_buyers BIGINT, cards_sent BIGINT, ratings BIGINT, very_satisfied BIGINT, satisfied BIGINT, neutral "
        "BIGINT, dissatisfied BIGINT, very_dissatisfied BIGINT, send_rate DOUBLE, return_rate DOUBLE, satisfaction_rate "
        "DOUBLE",
        "reconciliation": "platform VARCHAR, metric VARCHAR, subject VARCHAR, shop_id VARCHAR, account_id VARCHAR, period "
        "VARCHAR, period_end DATE, official_value DOUBLE, computed_value DOUBLE, difference DOUBLE, official_numerator "
        "DOUBLE, computed_numerator DOUBLE, official_denominator DOUBLE, computed_denominator DOUBLE, status VARCHAR",
        "reconciliation_reasons": "platform VARCHAR, metric VARCHAR, subject VARCHAR, shop_id VARCHAR, account_id VARCHAR, "
        "period VARCHAR, period_end DATE, reason VARCHAR, items BIGINT, value_if DOUBLE, example_id VARCHAR",
        "rounds": "platform VARCHAR, round_id VARCHAR, conversation_id VARCHAR, shop_id VARCHAR, buyer_id VARCHAR, "
        "account_id VARCHAR, business_date DATE, first_message_at TIMESTAMP, clock_started_at TIMESTAMP, first_reply_at "
        "TIMESTAMP, response_seconds DOUBLE, is_counted BOOLEAN, is_on_time BOOLEAN, first_reason VARCHAR, "
        "exclusion_reasons VARCHAR[], rule_version VARCHAR",
        "taobao_sending_daily": "shop_id VARCHAR, account_id VARCHAR, business_date DATE, messages BIGINT, buyers BIGINT, "
        "streaks_reached_limit BIGINT, prompts BIGINT, exposures BIGINT, clicks BIGINT",
    }
    with duckdb.connect(str(published), read_only=True) as connection:
        found = dict(
            connection.execute(
                """
                select table_name, string_agg(column_name || ' ' || data_type, ', ' order by column_index)
                from duckdb_columns() where schema_name = 'marts' group by table_name
                """
            ).fetchall()
        )
    assert found == contract


@pytest.mark.increments
def test_a_version_made_from_the_one_before_has_what_one_written_whole_has(tmp_path: Path) -> None:
    """Of marts that say on which dates they are rebuilt, only these dates are written."""
    source, landing, home = FIXTURES / "case103" / "landing", tmp_path / "landing", tmp_path / "home"
    dts = sorted({folder.name for folder in source.glob("*/*/dt=*")})
    made_from_the_one_before = 0
    for batch in (dts[:-3], dts[-3:-2], dts[-2:-1], dts[-1:]):
        for folder in (folder for dt in batch for folder in source.glob(f"*/*/{dt}")):
            shutil.copytree(folder, landing / folder.relative_to(source), copy_function=shutil.copyfile)
        build(landing, home)
        ((replaced_rows,),) = warehouse(home, "select replaced_rows from build.published_version")
        made_from_the_one_before += replaced_rows > 0
        assert not warehouse(home, "from build.published_held_dates"), "what is held is as it was"
        published = marts(home)
        assert published == {mart: warehouse(home, f"from marts.{mart} order by all") for mart in published}
    assert made_from_the_one_before >= 2
    assert warehouse(home, "select is_copy from build.published_version") == [(True,)]
    assert kefu("forget", "--buyer", "nobody", "--landing", landing, "--home", home).code == 0
    assert warehouse(home, "select is_copy from build.published_version") == [(False,)], "what went lies in no file any more"
