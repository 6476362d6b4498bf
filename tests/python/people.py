"""A small landing of all platforms and file formats in which two buyers occur, for what is done about persons."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import duckdb

ANNA, BERT = "tb-anna-7781", "tb-bert-5512"  # anna buys at Taobao and at Kuaishou, and at Xiaohongshu too
CONTENTS = ("绝密一号", "绝密二号", "绝密三号")  # of the platforms' messages
DAYS = ("2025-10-01", "2025-10-02")

TAOBAO = "message_id,conversation_id,shop_id,buyer_id,account_id,direction,author_kind,peer_kind,message_type,content,sent_at\r\n"


def taobao_lines(day: str) -> dict[str, list[str]]:
    """Lines of the messages by whose they are, 'rest' being bert's and nobody's; in the file they stand bert, anna, rest."""
    asks, answers = "inbound,consumer,consumer,text", "outbound,agent,consumer,text"
    anna, bert = (f"{buyer}@{day},s1,{buyer},s1:a" for buyer in (ANNA, BERT))
    return {
        "bert": [
            f'm1-{day},{bert},{asks},"{CONTENTS[0]}, 在吗?\n第二行 ""引号"" 😀",{day} 10:00:00\r\n',
            f"m2-{day},{bert},{answers},亲,{day} 10:00:30\r\n",
        ],
        ANNA: [
            f'm3-{day},{anna},{asks},"{CONTENTS[0]}\r\n,,",{day} 11:00:00\r\n',
            f"m4-{day},{anna},{answers},亲,{day} 11:09:00\r\n",
            f"m5-{day},{anna},{asks},{CONTENTS[0]},昨天\r\n",  # a time that cannot be read
            f"m6-{day},{anna},inbound\r\n",  # a row that ends early
        ],
        "rest": [
            f"m7-{day},{bert},inbound,{CONTENTS[0]}\r\n",
            f'm8-{day},"{bert}",{asks}\r\n',
            f'm9-{day},{bert},{asks},"{CONTENTS[0]}",{day} 12:00:00',  # no line feed at the end
        ],
    }


def write(landing: Path) -> None:
    def put(table: str, day: str, name: str, content: bytes) -> None:
        path = landing / table / f"dt={day}" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)

    def rows(table: str, day: str, name: str, *found: dict[str, Any]) -> None:
        if name.startswith("export.csv"):
            lines = [",".join(found[0]), *(",".join(map(str, row.values())) for row in found)]
        else:
            lines = [json.dumps(row) for row in found]
        put(table, day, name, ("\n".join(lines) + "\n").encode())

    rows("taobao/shops", DAYS[0], "export.csv", {"shop_id": "s1", "marketplace": "tmall"})
    rows("taobao/accounts", DAYS[0], "export.csv", {"account_id": "s1:a", "shop_id": "s1", "account_type": "sub"})
    for day in DAYS:
        lines = taobao_lines(day)
        put(
            "taobao/messages", day, "export.csv",
            ("\ufeff" + TAOBAO + "".join([*lines["bert"], *lines[ANNA], *lines["rest"]])).encode() ,
        )  # fmt: skip
        rows("taobao/message_recalls", day, "export.csv.gz", *(
            {"message_id": f"{message}-{day}", "recalled_at": f"{day} 13:00:00"} for message in ("m2", "m4")
        ))  # fmt: skip
        rows("taobao/platform_flags", day, "export.jsonl", *(
            {"flag_id": f"f-{number}-{day}", "shop_id": "s1", "conversation_id": f"{buyer}@{day}", "flag_type": "cheating",
             "flagged_from": f"{day} 20:00:00"}
            for number, buyer in enumerate((ANNA, BERT))
        ))  # fmt: skip
        rows("taobao/rating_cards", day, "export.jsonl.gz", *(
            {"card_id": f"k-{number}-{day}", "shop_id": "s1", "buyer_id": buyer, "account_id": "s1:a", "trigger": "manual",
             "sent_at": f"{day} 12:00:00"}
            for number, buyer in enumerate((ANNA, BERT))
        ))  # fmt: skip
        rows("taobao/rating_submissions", day, "export.csv", *(
            {"submission_id": f"u-{number}-{day}", "card_id": f"k-{number}-{day}", "eval_code": number,
             "submitted_at": f"{day} 12:30:00"}
            for number in (0, 1)
        ))  # fmt: skip
        copy_parquet(
            landing / "kuaishou" / "messages" / f"dt={day}",
            f"""
            select
                n::varchar as message_id, 'ks-' || buyer as session_id, 'shop' as shop_id, buyer as user_id, 'a1' as agent_id,
                if(n % 2 = 0, 'user', 'agent') as sender_kind,
                if(n = 0, '{BERT} 和 {ANNA} 一起 {CONTENTS[1]}', null) as content,
                timestamp '{day} 10:00:00' + interval (n) minute as sent_at, [n, n] as unknown_list, n::utinyint as unknown_number
            from (select unnest(range(6)) as n), lateral (select if(n < 4, '{BERT}', '{ANNA}') as buyer)
            """,
        )
        rows("xiaohongshu/sessions", day, "export.csv", *(
            {"session_id": f"x-{number}-{day}", "shop_id": "s1", "user_id": buyer, "initiated_by": "user",
             "entered_at": f"{day} 10:00:00"}
            for number, buyer in enumerate((ANNA, BERT))
        ))  # fmt: skip
        rows("xiaohongshu/messages", day, "export.jsonl", *(
            {"message_id": f"x-{number}-{day}-{kind}", "session_id": f"x-{number}-{day}", "shop_id": "s1", "agent_id": "a1",
             "sender_kind": kind, "content": CONTENTS[2], "sent_at": f"{day} 10:0{minute}:00"}
            for number in (0, 1) for minute, kind in enumerate(("user", "agent"))
        ))  # fmt: skip
        rows("xiaohongshu/ratings", day, "export.csv", *(
            {"session_id": f"x-{number}-{day}", "stars": 5, "rated_at": f"{day} 11:00:00"} for number in (0, 1)
        ))  # fmt: skip


def copy_parquet(folder: Path, query: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"copy ({query}) to '{folder / 'export.parquet'}' (format parquet, compression zstd)")
