"""How the platforms differ: traffic, routing and speed, from a file of each in platforms/."""

from dataclasses import dataclass
from functools import cache
from importlib import resources

import yaml

from orchestration.landing.contract import platforms


@dataclass(frozen=True)
class Profile:
    """One platform. Rates are between 0 and 1, speeds in seconds, shares in hundredths."""

    platform: str
    prefix: str  # of every id
    message_share: float  # of all messages of a day, against the shares of the other platforms
    messages_per_chat: float  # measured on the generated data; turns messages per day into chats per day
    hour_weights: list[int]  # one per hour of the day
    day_routes: dict[str, int]  # while the shop is staffed
    night_routes: dict[str, int]
    on_time_low: float  # of the slowest shop: share of exchanges answered within the limit
    on_time_high: float
    later_on_time_low: float  # floor of that share from the second exchange on
    first_limit: int  # seconds within which the first reply of a chat is on time
    later_limit: int
    typical_seconds: int  # median of the replies in time, in a shop of middling speed
    abandoned_share: float  # chats that nobody ever answers


@cache
def profiles() -> list[Profile]:
    """The profiles of the platforms of the landing contract for which there is a sample."""
    files = {
        platform: resources.files("orchestration.sample").joinpath("platforms", f"{platform}.yml") for platform in platforms()
    }
    return [
        Profile(platform, **yaml.safe_load(file.read_text(encoding="utf-8")))
        for platform, file in files.items()
        if file.is_file()
    ]
