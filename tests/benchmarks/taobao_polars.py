"""The same two tables as in taobao.sql, by Polars and its streaming engine: LANDING, SEEDS and TARGET are folders.

Rows are sorted by conversation and time once; what lies before or after a row is found by its position, which no group has to be
made for.
"""

import csv
import sys
from datetime import date, timedelta
from pathlib import Path

import polars as pl

FIRST, LAST = date(1, 1, 1), date(9999, 12, 31)
MICROSECONDS = 1_000_000
ORDER = ["item_at", "item_rank", "item_id"]


def rows_of(seed: Path) -> list[dict[str, str]]:
    with seed.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def span(row: dict[str, str]) -> tuple[date, date]:
    start, end = row["valid_from"], row["valid_to"]
    return date.fromisoformat(start) if start else FIRST, date.fromisoformat(end) if end else LAST


def seconds(text: str) -> int:
    """Microseconds of a time of day, or of seconds."""
    hours, _, minutes = text.partition(":")
    return (int(hours) * 3600 + int(minutes) * 60) * MICROSECONDS if minutes else round(float(text) * MICROSECONDS)


def rules_of_days(seeds: Path, first: date, last: date) -> pl.LazyFrame:
    """The rules of Taobao and Tmall, a row per marketplace and day."""
    rows = []
    for scope in ("taobao", "tmall"):
        parameters = [
            (row["parameter"], row["value"], *span(row))
            for row in rows_of(seeds / "rule_parameters.csv")
            if row["scope"] == scope
        ]
        changes = sorted({p[2] for p in parameters} | {p[3] + timedelta(1) for p in parameters if p[3] < LAST})
        exempt = [row for row in rows_of(seeds / "exempt_periods.csv") if row["scope"] == scope]
        for number in range((last - first).days + 1):
            day = first + timedelta(number)
            version = max(change for change in changes if change <= day)
            value = {name: text for name, text, start, end in parameters if start <= version <= end}
            unanswered = value.get("unanswered_response_seconds")
            rows.append(
                {
                    "scope": scope,
                    "day": day,
                    "rule_version": scope if version == FIRST else f"{scope}@{version}",
                    "window_start": seconds(value["window_start"]),
                    "window_end": seconds(value["window_end"]),
                    "target": seconds(value["response_target_seconds"]),
                    "zero": seconds(value["zero_second_threshold"]),
                    "cap": seconds(value["response_cap_seconds"]),
                    "unanswered": seconds(unanswered) if unanswered else None,
                    "look_back": int(value["routing_lookback_days"]) * 86400 * MICROSECONDS,
                    "horizon": int(value["reply_horizon_hours"]) * 3600 * MICROSECONDS,
                    "satisfied": int(value["satisfied_max_eval_code"]),
                    "edit": int(value["rating_edit_hours"]) * 3600 * MICROSECONDS,
                    "edits": int(value["rating_max_edits"]),
                    "click_days": int(value["rejection_click_days"]),
                    "is_exempt": any(e["first_date"] <= str(day) <= e["last_date"] for e in exempt),
                }
            )
    return pl.LazyFrame(rows, infer_schema_length=None)


class Landing:
    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def rows(self, table: str) -> pl.LazyFrame:
        """All rows of a table, numbered in the order of their dts, files and rows."""
        pattern = self.folder / "taobao" / table / "dt=*" / "*.parquet"
        return pl.scan_parquet(pattern, hive_partitioning=False, row_index_name="version", cache=False)

    def standing(self, table: str, key: str, *columns: str) -> pl.LazyFrame:
        """The rows that stand: the last one of each key. Few come again."""
        keys = self.rows(table).select(key, "version")
        repeated = (
            keys.group_by(key).agg(pl.col("version").max().alias("last"), pl.len().alias("rows")).filter(pl.col("rows") > 1)
        )
        replaced = keys.join(repeated, on=key).filter(pl.col("version") < pl.col("last")).select("version")
        return self.rows(table).select(key, *columns, "version").join(replaced, on="version", how="anti").drop("version")


def us(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Datetime("us")).cast(pl.Int64)


def in_seconds(microseconds: pl.Expr) -> pl.Expr:
    """Divides by a column, as by a constant Polars multiplies with its reciprocal, which rounds otherwise."""
    return microseconds / (microseconds * 0 + MICROSECONDS)


def day_of(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Datetime("us")).dt.date()


def found(frame: pl.LazyFrame, name: str, condition: pl.Expr, columns: list[str], keys: list[str], shift: int) -> pl.LazyFrame:
    """Adds columns of the nearest row that meets the condition and has the same keys: before (1), after (-1), up to here (0)."""
    place = pl.when(condition).then(pl.int_range(pl.len(), dtype=pl.UInt32))
    filled = (place.backward_fill() if shift < 0 else place.forward_fill()).shift(shift)
    same = pl.all_horizontal(pl.col(key).gather(pl.col("_place")) == pl.col(key) for key in keys)
    picked = [pl.when(same).then(pl.col(column).gather(pl.col("_place"))).alias(f"{name}_{column}") for column in columns]
    return frame.with_columns(filled.alias("_place")).with_columns(picked).drop("_place")


def items_of(landing: Landing, seeds: Path) -> pl.LazyFrame:
    types = pl.LazyFrame(
        [
            {
                "message_type": row["message_type"],
                "direction": row["direction"],
                "opens_round": row["opens_round"] == "true",
                "answers": row["answers"] == "true",
                "valid_from": span(row)[0],
                "valid_to": span(row)[1],
            }
            for row in rows_of(seeds / "taobao_message_types.csv")
        ]
    )
    people = ["conversation_id", "shop_id", "buyer_id", "account_id"]
    wanted = [*people, "direction", "author_kind", "peer_kind", "message_type", "sent_at"]
    recalls = landing.rows("message_recalls").select("message_id").unique()
    typed = (
        landing.standing("messages", "message_id", *wanted)
        .join(types, on=["message_type", "direction"])
        .filter(day_of("sent_at").is_between("valid_from", "valid_to"))
    )
    columns = [*people, us("sent_at").alias("item_at"), pl.col("message_id").alias("item_id"), "peer_kind"]
    questions = (
        typed.filter(pl.col("opens_round") & ((pl.col("author_kind") == "consumer") | (pl.col("message_type") == "work_order")))
        .join(recalls, on="message_id", how="anti")
        .select(*columns, pl.lit("Q").alias("kind"), pl.lit(1, pl.Int8).alias("item_rank"))
    )
    kind = pl.when(pl.col("author_kind") == "auto_bot").then(pl.lit("B")).otherwise(pl.lit("R")).alias("kind")
    answers = typed.filter(pl.col("answers") & pl.col("author_kind").is_in(["agent", "assist_bot", "auto_bot"])).select(
        *columns, kind, pl.lit(2, pl.Int8).alias("item_rank")
    )
    routing = (
        landing.standing("reception_events", "event_id", *people, "event_type", "occurred_at")
        .filter(pl.col("event_type").is_in(["assigned", "bot_started", "pooled"]))
        .select(
            *people,
            us("occurred_at").alias("item_at"),
            pl.col("event_id").alias("item_id"),
            pl.lit(None, pl.String).alias("peer_kind"),
            pl.when(pl.col("event_type") == "assigned").then(pl.lit("H")).otherwise(pl.lit("N")).alias("kind"),
            pl.lit(0, pl.Int8).alias("item_rank"),
        )
    )
    return pl.concat([questions, answers, routing])


def runs_of(items: pl.LazyFrame, look_back: int) -> pl.LazyFrame:
    """The conversations that the routing took from humans, with who waits there."""
    in_conversation = ["conversation_id"]
    walk = items.join(items.filter(pl.col("kind") == "N").select("conversation_id").unique(), on="conversation_id", how="semi")
    walk = found(
        walk.sort("conversation_id", *ORDER),
        "phase",
        pl.col("kind").is_in(["H", "N", "R"]),
        ["item_at", "kind"],
        in_conversation,
        1,
    )
    is_waiting = (
        (pl.col("kind") == "Q")
        & (pl.col("phase_kind") == "N").fill_null(False)
        & (pl.col("phase_item_at") >= pl.col("item_at") - look_back).fill_null(False)
    )
    walk = walk.with_columns(is_waiting.alias("is_waiting")).drop("phase_kind", "phase_item_at").filter(pl.col("kind") != "N")
    follows = (
        (pl.col("conversation_id").shift(1) == pl.col("conversation_id"))
        & pl.col("is_waiting").shift(1)
        & (pl.col("item_at").shift(1) >= pl.col("item_at") - look_back)
    ).fill_null(False)
    walk = walk.with_columns(follows.alias("follows_waiting")).with_columns(
        (pl.col("is_waiting") & ~pl.col("follows_waiting")).alias("starts_run"),
        ((pl.col("kind") == "H") & pl.col("follows_waiting")).alias("takes_over"),
        pl.int_range(pl.len(), dtype=pl.UInt32).alias("place"),
    )
    walk = found(walk, "run", pl.col("starts_run"), ["item_id"], in_conversation, 0)
    walk = found(walk, "next_run", pl.col("starts_run"), ["place"], in_conversation, -1)
    of_next = ["item_at", "item_id", "kind", "account_id", "takes_over", "place"]
    return found(walk, "next", pl.col("kind").is_in(["B", "R", "H"]), of_next, in_conversation, -1)


def rounds_of(
    items: pl.LazyFrame, runs: pl.LazyFrame, shops: pl.LazyFrame, rules: pl.LazyFrame, look_back: int, horizon: int
) -> pl.LazyFrame:
    people = ["conversation_id", "shop_id", "buyer_id", "account_id"]
    take_overs = (
        runs.filter("takes_over")
        .select("conversation_id", "run_item_id", pl.col("item_id").alias("hand_over"), pl.col("item_at").alias("handed_over_at"))
        .join(runs.filter("is_waiting"), on=["conversation_id", "run_item_id"])
        .filter(pl.col("item_at").is_between(pl.col("handed_over_at") - look_back, pl.col("handed_over_at")))
        .sort("item_at", "item_id")
        .group_by("conversation_id", "hand_over", maintain_order=True)
        .agg(
            pl.col("item_id").first().alias("first_message_id"),
            pl.col("item_at").first().alias("first_message_at"),
            pl.col("peer_kind").first().alias("first_peer_kind"),
        )
    )
    plain = [*people, "item_at", "item_rank", "item_id", "kind", "peer_kind"]
    own = [pl.col("item_id").alias("first_message_id"), pl.col("item_at").alias("first_message_at")]
    routed_away = items.filter(pl.col("kind") == "N").select("conversation_id").unique()
    turns = pl.concat(
        [
            items.filter(pl.col("kind").is_in(["Q", "R"]))
            .join(routed_away, on="conversation_id", how="anti")
            .select(*plain, *own),
            runs.filter(((pl.col("kind") == "Q") & ~pl.col("is_waiting")) | (pl.col("kind") == "R")).select(*plain, *own),
            runs.filter("takes_over")
            .join(take_overs, left_on=["conversation_id", "item_id"], right_on=["conversation_id", "hand_over"])
            .with_columns(pl.col("first_peer_kind").alias("peer_kind"))
            .select(*plain, "first_message_id", "first_message_at"),
        ]
    )

    def with_rules(frame: pl.LazyFrame) -> pl.LazyFrame:
        day = pl.col("item_at").cast(pl.Datetime("us")).dt.date().alias("day")
        joined = frame.with_columns(day).join(shops, on="shop_id", how="left").with_columns(pl.col("scope").fill_null("tmall"))
        in_day = pl.col("item_at") % (86400 * MICROSECONDS)
        segment = (in_day >= pl.col("window_start")).cast(pl.Int8) + (in_day >= pl.col("window_end")).cast(pl.Int8)
        return joined.join(rules, on=["scope", "day"]).with_columns(segment.alias("segment"))

    keys = ["conversation_id", "account_id"]
    sorted_turns = with_rules(turns).sort(*keys, *ORDER)
    follows = (
        pl.all_horizontal(pl.col(key).shift(1) == pl.col(key) for key in [*keys, "day", "segment"])
        & (pl.col("kind").shift(1) != "R")
    ).fill_null(False)
    opened = (pl.col("kind") != "R") & ~follows
    answered = found(
        sorted_turns.with_columns(opened.alias("opens_round")), "reply", pl.col("kind") == "R", ["item_at", "item_id"], keys, -1
    )
    in_time = (pl.col("reply_item_at") <= pl.col("item_at") + horizon).fill_null(False)
    rules_columns = ["day", "scope", "rule_version", "segment", "target", "zero", "cap", "unanswered", "is_exempt"]
    of_round = [*people, "kind", "item_id", "item_at", "peer_kind", "first_message_id", "first_message_at", *rules_columns]
    human = answered.filter("opens_round").select(
        *of_round,
        pl.col("account_id").alias("opening_account_id"),
        pl.lit(False).alias("is_waiting"),
        pl.when(in_time).then(pl.lit("R")).alias("reply_kind"),
        pl.when(in_time).then("reply_item_id").alias("reply_id"),
        pl.when(in_time).then("reply_item_at").alias("reply_at"),
    )
    next_in_time = (pl.col("next_item_at") <= pl.col("item_at") + horizon).fill_null(False)
    is_taken_over = (
        pl.col("next_takes_over").fill_null(False)
        & next_in_time
        & (pl.col("next_run_place").is_null() | (pl.col("next_run_place") > pl.col("next_place")))
    )
    is_reply = (pl.col("next_kind") != "H").fill_null(False) & next_in_time
    waiting = (
        with_rules(runs.filter(pl.col("starts_run") & ~is_taken_over))
        .with_columns(*own)
        .select(
            *(
                pl.when(is_reply).then("next_account_id").otherwise("account_id").alias(c) if c == "account_id" else c
                for c in of_round
            ),
            pl.col("account_id").alias("opening_account_id"),
            pl.lit(True).alias("is_waiting"),
            pl.when(is_reply).then("next_kind").alias("reply_kind"),
            pl.when(is_reply).then("next_item_id").alias("reply_id"),
            pl.when(is_reply).then("next_item_at").alias("reply_at"),
        )
    )
    return pl.concat([human, waiting]).with_columns(
        pl.concat_str(pl.lit("taobao-"), "kind", pl.lit("-"), "item_id").alias("round_id"),
        (pl.col("reply_at") - pl.col("item_at")).alias("elapsed"),
    )


def judged_of(rounds: pl.LazyFrame, landing: Landing, accounts: pl.LazyFrame, closings: pl.LazyFrame) -> pl.LazyFrame:
    """The rounds with the reasons why they do not count, in the order of the seed exclusion_reasons."""
    at, until = pl.col("item_at"), pl.col("item_at") + pl.col("target")
    is_on_time = (pl.col("elapsed") <= pl.col("target")).fill_null(False)
    blocks = landing.standing("buyer_blocks", "block_id", "shop_id", "buyer_id", "blocked_at", "unblocked_at")
    flags = landing.standing("platform_flags", "flag_id", "conversation_id", "flag_type", "flagged_from", "flagged_to")
    disabled = accounts.filter(pl.col("disabled_at").is_not_null()).select("account_id", "disabled_at")
    elsewhere = pl.concat(
        [
            rounds.join(blocks, on=["shop_id", "buyer_id"])
            .filter((us("blocked_at") <= until) & (us("unblocked_at") > until).fill_null(True))
            .filter(~((pl.col("reply_kind") == "R").fill_null(False) & is_on_time))
            .select("round_id", pl.lit("buyer_blocked_shop").alias("reason")),
            rounds.join(flags, on="conversation_id")
            .filter((at >= us("flagged_from")) & (at < us("flagged_to")).fill_null(True))
            .select("round_id", pl.col("flag_type").alias("reason")),
            rounds.join(disabled, left_on="opening_account_id", right_on="account_id")
            .filter(us("disabled_at") <= at)
            .select("round_id", pl.lit("account_disabled").alias("reason")),
            rounds.join(closings, on="shop_id")
            .filter((at >= us("closed_from")) & (at < us("closed_to")).fill_null(True))
            .select("round_id", pl.lit("shop_closed").alias("reason")),
        ]
    )
    reasons = elsewhere.group_by("round_id").agg(pl.col("reason").unique())

    def has(reason: str) -> pl.Expr:
        return pl.col("reason").list.contains(reason).fill_null(False)

    def reason(name: str, condition: pl.Expr) -> pl.Expr:
        return pl.when(condition.fill_null(False)).then(pl.lit(name))

    peer = pl.col("peer_kind")
    listed = pl.concat_list(
        reason("buyer_blocked_shop", has("buyer_blocked_shop")),
        reason("not_routed_to_human", pl.col("is_waiting") & pl.col("reply_kind").is_null()),
        reason("own_account", peer == "own_account"),
        reason("non_human_reply", pl.col("reply_kind") == "B"),
        reason("outside_window", pl.col("segment") != 1),
        reason("ad_account", has("ad_account")),
        pl.when(~peer.is_in(["own_account", "consumer"])).then(peer),
        reason("account_disabled", has("account_disabled")),
        reason("cheating", has("cheating")),
        reason("zero_second_reply", (pl.col("reply_kind") == "R") & (pl.col("elapsed") < pl.col("zero"))),
        reason("abusive", has("abusive")),
        reason("exempt_period", pl.col("is_exempt")),
        reason("shop_closed", has("shop_closed")),
    ).list.drop_nulls()
    return (
        rounds.join(reasons, on="round_id", how="left")
        .with_columns(listed.alias("exclusion_reasons"), is_on_time.alias("is_on_time"))
        .with_columns((pl.col("exclusion_reasons").list.len() == 0).alias("is_counted"))
    )


def rating_scores(
    landing: Landing, accounts: pl.LazyFrame, closings: pl.LazyFrame, shops: pl.LazyFrame, rules: pl.LazyFrame
) -> list[pl.LazyFrame]:
    """What ratings, invitations and prompts add to the metrics."""
    cards = (
        landing.standing("rating_cards", "card_id", "shop_id", "buyer_id", "account_id", "trigger", "sent_at")
        .collect(engine="streaming")
        .lazy()
    )
    submitted = (
        landing.standing("rating_submissions", "submission_id", "card_id", "eval_code", "submitted_at")
        .with_columns(us("submitted_at").alias("at"))
        .sort("card_id", "at", "submission_id")
        .with_columns(
            pl.int_range(pl.len()).over("card_id").alias("change_number"),
            pl.col("at").min().over("card_id").alias("first_rated_at"),
        )
        .join(cards, on="card_id")
        .join(shops, on="shop_id", how="left")
        .with_columns(pl.col("scope").fill_null("tmall"), pl.col("first_rated_at").cast(pl.Datetime("us")).dt.date().alias("day"))
        .join(rules, on=["scope", "day"])
    )
    is_effective = (pl.col("change_number") <= pl.col("edits")) & (pl.col("at") <= pl.col("first_rated_at") + pl.col("edit"))
    ratings = (
        submitted.filter(is_effective)
        .sort("change_number")
        .group_by("card_id", maintain_order=True)
        .agg(
            pl.col("shop_id", "buyer_id", "account_id", "day", "first_rated_at", "is_exempt").first(),
            (pl.col("eval_code").last() <= pl.col("satisfied").first()).alias("is_satisfied"),
        )
        .sort("first_rated_at", "card_id")
        .with_columns(pl.int_range(pl.len()).over("shop_id", "buyer_id", "account_id", "day").alias("place"))
        .collect(engine="streaming")
        .lazy()
    )
    closed = (
        ratings.join(closings, on="shop_id")
        .filter((pl.col("first_rated_at") >= us("closed_from")) & (pl.col("first_rated_at") < us("closed_to")).fill_null(True))
        .select("card_id")
        .unique()
    )
    assistants = accounts.filter(pl.col("account_type") == "service_assistant").select(
        "account_id", pl.lit(True).alias("is_assistant")
    )
    metric = pl.when(pl.col("is_assistant")).then(pl.lit("assistant_satisfaction_rate")).otherwise(pl.lit("satisfaction_rate"))
    people = ["shop_id", "account_id", "day"]
    counted = (
        ratings.filter((pl.col("place") == 0) & ~pl.col("is_exempt"))
        .join(closed, on="card_id", how="anti")
        .join(assistants, on="account_id", how="left")
        .select(metric.alias("metric"), *people, (pl.col("is_satisfied").cast(pl.Int64) * MICROSECONDS).alias("numerator"))
    )
    invited = (
        cards.filter(pl.col("trigger") == "system_invite")
        .join(ratings.select("card_id", pl.lit(MICROSECONDS, pl.Int64).alias("numerator")), on="card_id", how="left")
        .select(
            pl.lit("rating_participation_rate").alias("metric"),
            "shop_id",
            "account_id",
            day_of("sent_at").alias("day"),
            pl.col("numerator").fill_null(0),
        )
    )
    until = pl.col("day") + pl.duration(days=pl.col("click_days"))
    prompted = (
        landing.standing("rejection_prompts", "prompt_id", "shop_id", "triggered_at", "exposed_at", "clicked_at")
        .with_columns(day_of("triggered_at").alias("day"))
        .join(shops, on="shop_id", how="left")
        .with_columns(pl.col("scope").fill_null("tmall"))
        .join(rules, on=["scope", "day"])
        .filter(day_of("exposed_at").is_between(pl.col("day"), until))
        .select(
            pl.lit("rejection_click_rate").alias("metric"),
            "shop_id",
            pl.lit(None, pl.String).alias("account_id"),
            "day",
            (day_of("clicked_at").is_between(pl.col("day"), until).fill_null(False).cast(pl.Int64) * MICROSECONDS).alias(
                "numerator"
            ),
        )
    )
    return [counted, invited, prompted]


def main() -> None:
    folder, seeds, target = map(Path, sys.argv[1:])
    target.mkdir()
    landing = Landing(folder)
    first, last = (
        landing.rows("messages").select(day_of("sent_at").min().alias("a"), day_of("sent_at").max().alias("b")).collect().row(0)
    )
    rules = rules_of_days(seeds, first - timedelta(30), last + timedelta(30))
    (look_back,), (horizon,) = rules.select(pl.col("look_back", "horizon").unique()).collect().get_columns()
    rules = rules.drop("look_back", "horizon")
    shops = landing.standing("shops", "shop_id", "marketplace").rename({"marketplace": "scope"}).collect().lazy()
    accounts = landing.standing("accounts", "account_id", "account_type", "disabled_at").collect().lazy()
    closings = landing.standing("shop_closings", "closing_id", "shop_id", "closed_from", "closed_to").collect().lazy()
    items = items_of(landing, seeds).collect(engine="streaming").lazy()
    runs = runs_of(items, look_back).collect(engine="streaming").lazy()
    rounds = rounds_of(items, runs, shops, rules, look_back, horizon).collect(engine="streaming").lazy()
    judged = judged_of(rounds, landing, accounts, closings).collect(engine="streaming").lazy()

    def time(column: str, name: str) -> pl.Expr:
        return pl.col(column).cast(pl.Datetime("us")).alias(name)

    judged.select(
        "round_id",
        "conversation_id",
        "shop_id",
        "buyer_id",
        "account_id",
        pl.col("day").alias("business_date"),
        "first_message_id",
        time("first_message_at", "first_message_at"),
        time("item_at", "clock_started_at"),
        pl.col("reply_id").alias("first_reply_id"),
        time("reply_at", "first_reply_at"),
        in_seconds(pl.col("elapsed")).alias("response_seconds"),
        "is_counted",
        "is_on_time",
        "exclusion_reasons",
        "rule_version",
    ).sink_parquet(target / "taobao_rounds.parquet", engine="streaming")

    people = ["shop_id", "account_id", "day"]
    counted = judged.filter("is_counted")
    answered_in_time = counted.select(
        pl.lit("response_rate_3min").alias("metric"),
        *people,
        (pl.col("is_on_time").cast(pl.Int64) * MICROSECONDS).alias("numerator"),
    )
    taken = pl.when(pl.col("elapsed").is_null()).then("unanswered").otherwise(pl.min_horizontal("elapsed", "cap"))
    response_times = counted.select(pl.lit("avg_response_seconds").alias("metric"), *people, taken.alias("numerator")).filter(
        pl.col("numerator").is_not_null()
    )
    scored = pl.concat([answered_in_time, response_times, *rating_scores(landing, accounts, closings, shops, rules)])
    sums = [pl.col("numerator").sum(), pl.len().cast(pl.Float64).alias("denominator")]
    of_shops = (
        scored.group_by("metric", "shop_id", "day")
        .agg(sums)
        .with_columns(pl.lit(None, pl.String).alias("account_id"), pl.lit("shop").alias("subject"))
    )
    of_accounts = (
        scored.filter(pl.col("account_id").is_not_null())
        .group_by("metric", "shop_id", "account_id", "day")
        .agg(sums)
        .with_columns(pl.lit("account").alias("subject"))
    )
    numerator = in_seconds(pl.col("numerator"))
    columns = ["metric", "subject", "shop_id", "account_id", pl.col("day").alias("period_start"), numerator, "denominator"]
    pl.concat([of_shops.select(columns), of_accounts.select(columns)]).select(
        pl.lit("taobao").alias("platform"), pl.all(), (pl.col("numerator") / pl.col("denominator")).alias("value")
    ).sink_parquet(target / "service_metrics.parquet", engine="streaming")


main()
