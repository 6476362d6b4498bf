"""How the three platforms differ: traffic, routing and speed."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Profile:
    """One platform. Rates are between 0 and 1, speeds in seconds, shares in hundredths."""

    platform: str
    prefix: str  # of every id
    message_share: float  # of all messages of a day
    messages_per_chat: float  # measured on the generated data; turns messages per day into chats per day
    hour_weights: tuple[int, ...]  # one per hour of the day
    day_routes: dict[str, int]  # while the shop is staffed
    night_routes: dict[str, int]
    on_time_low: float  # of the slowest shop: share of exchanges answered within the limit
    on_time_high: float
    later_on_time_low: float  # floor of that share from the second exchange on
    first_limit: int  # seconds within which the first reply of a chat is on time
    later_limit: int
    typical_seconds: int  # median of the replies in time
    abandoned_share: float  # chats that nobody ever answers
    metrics: tuple[str, ...]  # that the platform publishes, the most important one first


PROFILES = (
    Profile(
        platform="taobao",
        prefix="tb",
        message_share=0.5,
        messages_per_chat=8.88,
        hour_weights=(9, 5, 3, 2, 2, 3, 6, 14, 30, 55, 82, 80, 55, 56, 74, 72, 58, 50, 48, 60, 80, 84, 58, 24),
        day_routes={"direct": 64, "bot_first": 18, "queue": 8, "bot_only": 5, "pool": 4, "unassigned": 1},
        night_routes={"direct": 14, "bot_first": 2, "bot_only": 16, "assistant": 22, "pool": 40, "unassigned": 6},
        on_time_low=0.84,
        on_time_high=0.985,
        later_on_time_low=0,
        first_limit=180,
        later_limit=180,
        typical_seconds=32,
        abandoned_share=0.006,
        metrics=(
            "response_rate_3min",
            "avg_response_seconds",
            "satisfaction_rate",
            "rating_participation_rate",
            "rejection_click_rate",
        ),
    ),
    Profile(
        platform="kuaishou",
        prefix="ks",
        message_share=0.3,
        messages_per_chat=7.50,
        hour_weights=(16, 9, 5, 3, 2, 3, 7, 16, 30, 48, 66, 66, 56, 54, 62, 62, 54, 50, 56, 76, 92, 94, 70, 34),
        day_routes={"direct": 62, "bot_first": 28, "bot_only": 10},
        night_routes={"direct": 14, "bot_first": 6, "bot_only": 55, "pool": 25},
        on_time_low=0.83,
        on_time_high=0.985,
        later_on_time_low=0,
        first_limit=180,
        later_limit=180,
        typical_seconds=34,
        abandoned_share=0.008,
        metrics=(
            "human_reply_rate_3min",
            "positive_rating_rate",
            "assisted_after_sales_confirm_rate",
        ),
    ),
    Profile(
        platform="xiaohongshu",
        prefix="xhs",
        message_share=0.2,
        messages_per_chat=7.54,
        hour_weights=(14, 7, 4, 2, 2, 2, 4, 10, 22, 44, 66, 68, 60, 56, 62, 60, 52, 48, 50, 66, 88, 94, 72, 36),
        day_routes={"direct": 96, "bot_first": 4},
        night_routes={"direct": 25, "bot_first": 10, "pool": 65},
        on_time_low=0.77,
        on_time_high=0.99,
        later_on_time_low=0.965,
        first_limit=45,
        later_limit=180,
        typical_seconds=19,
        abandoned_share=0.02,
        metrics=(
            "first_response_rate_45s",
            "reply_rate_24h",
            "avg_reply_interval_seconds",
            "avg_first_response_seconds",
            "satisfaction_rate",
            "rating_participation_rate",
        ),
    ),
)
