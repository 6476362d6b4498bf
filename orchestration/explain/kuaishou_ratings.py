"""Kuaishou: a rating card (评价卡片), the rating on it, and what the clauses K-05 to K-08 say of it."""

from __future__ import annotations

import duckdb

from orchestration.explain.tables import count, findings, header
from orchestration.explain.text import Entry, Explanation, Row
from orchestration.language import localized

# The card as it landed, and the rating that was made of it, if any.
CARD = """
select
    'kuaishou' as platform, c.*, c.agent_id as account_id, c.user_id as customer_id, c.session_id as conversation_id,
    j.business_date, j.is_counted, j.is_satisfied, j.exclusion_reasons, j.evidence
from staging.kuaishou_rating_cards c
left join judged.int_kuaishou__judged_ratings j on c.card_id = j.card_id
where c.card_id = $id
"""

CHANNELS = {
    "user_initiated": "opened by the user 用户主动评价",
    "merchant_invited": "invited by the merchant 商户邀请评价",
    "system_pushed": "pushed by the system 系统推送评价",
}
KINDS = {"human": "human service 人工客服", "bot": "bot 智能客服"}
LEVELS = {"satisfied": "satisfied 满意", "neutral": "neutral 一般", "disappointed": "disappointed 失望"}


def explanation(connection: duckdb.DuckDBPyConnection, card: Row) -> Explanation:
    who = card["user_id"] if card["channel"] == "user_initiated" else f"{card['agent_id'] or card['shop_id']} → {card['user_id']}"
    told = [Entry(card["sent_at"], who, "card sent 发送卡片", localized(CHANNELS[card["channel"]]), mark="belongs to this day")]
    if card["rated_at"] and card["level"]:
        told.append(Entry(card["rated_at"], card["user_id"], "rating 评价", localized(LEVELS[card["level"]])))
    enters = f"as {'' if card['is_satisfied'] else 'not '}satisfied"
    metric = f"In the positive rating rate 好评率 of {card['business_date']} it enters {enters} (K-05)."
    if card["level"] is None:
        verdict = ("Does not count 不计入考核: there is no rating", ["Nobody rated it: it is no rating (K-05)."])
    else:
        verdict = (count(card), [metric] if card["is_counted"] else [])
    return Explanation(
        title=f"Rating card 评价卡片 kuaishou-card-{card['card_id']}",
        header=header(card, ("rated 评价对象", KINDS[card["service_kind"]])),
        day=card["sent_at"].date(),
        entries=told,
        verdict=[("Rated 评价", [LEVELS[card["level"]] if card["level"] else "not rated 未评价"]), verdict],
        findings=findings(connection, card) if card["level"] else [],
    )
