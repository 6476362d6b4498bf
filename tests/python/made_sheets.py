"""Sheets as platforms make them, with figures that nobody has."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import openpyxl

Rows = Sequence[Sequence[Any]]

RECEPTION = [
    *(
        "咨询人数",
        "接待人数",
        "未回复人数",
        "有效接待人数",
        "平均响应时长",
        "3分钟人工响应率",
        "咨询客服人次",
        "客服回复人次",
        "客服未回复人次",
    ),
    *(
        "旺旺回复率",
        "首次响应时长",
        "慢响应人数",
        "长接待人数",
        "买家发起人数",
        "客服主动跟进人数",
        "总消息数",
        "买家消息条数",
        "客服消息条数",
    ),
    *("答问比", "客服字数", "平均接待时长"),
]
RATINGS = ["发出", "收到", "很满意", "满意", "一般", "不满", "很不满", "发送率", "返回率", "满意率", "服务度"]
KUAISHOU = [
    *(
        "三分钟回复率（人维度）",
        "三分钟回复率（会话）",
        "不服务率",
        "咨询人数",
        "咨询人次",
        "人工会话量",
        "人工平均回复时长",
        "好评率（人维度）",
    ),
    *(
        "好评率（会话）",
        "差评率（人维度）",
        "差评率（会话）",
        "IM不满意率（人维度）",
        "询单人数",
        "下单人数",
        "支付人数",
        "询单转化率",
        "询单客单价",
    ),
    "客服销售额",
]
CHATS = ["会话ID", "买家昵称", "客服昵称", "消息时间", "发送方", "消息类型", "消息内容"]


def xlsx(
    path: Path, rows: Rows, *, name: str = "Sheet1", merged: Sequence[str] = (), formats: dict[str, str] | None = None
) -> Path:
    """A workbook of one sheet."""
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    sheet.title = name
    for row in rows:
        sheet.append(row)
    for cell in (cell for row in sheet for cell in row if cell.data_type == "f"):
        cell.data_type = "s"  # a text that looks like a formula
    for cells in merged:
        sheet.merge_cells(cells)
    for cell, number_format in (formats or {}).items():
        sheet[cell].number_format = number_format
    workbook.save(path)
    return path


def workbook(path: Path, sheets: dict[str, Rows], *, hidden: Sequence[str] = ()) -> Path:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
        if name in hidden:
            sheet.sheet_state = "hidden"
    made.save(path)
    return path


def csv(path: Path, rows: Rows, encoding: str = "utf-8") -> Path:
    path.write_text(
        "".join(",".join(f'"{cell}"' if "," in str(cell) else str(cell) for cell in row) + "\n" for row in rows), encoding
    )
    return path


def reception_row(draw: random.Random) -> list[Any]:
    people = draw.randint(800, 2400)
    return [
        *(f"{people:,}", f"{people - 9:,}", 9, people - 30, f"{draw.randint(11, 40)}秒", f"{draw.uniform(90, 100):.2f}%"),
        *(people + 20, people + 8, 12, "99.41%", "9.5", 41, 17, people - 40, 40, people * 9, people * 4, people * 5),
        *("125.00%", people * 60, "7分41秒"),
    ]


def reception_by_day(days: int = 30, start: date = date(2026, 4, 1)) -> Rows:
    """咨询接待 of a shop, with the rows that stand below."""
    draw = random.Random(1)
    rows = [[str(start + timedelta(days=day)), *reception_row(draw)] for day in range(days)]
    return [
        ["日期", *RECEPTION],
        *rows,
        ["汇总值", *reception_row(draw)],
        ["平均值", *reception_row(draw)],
        ["同行均值", *["-"] * 21],
    ]


def reception_by_account(names: Sequence[str]) -> Rows:
    draw = random.Random(2)
    rows = [[name, "售前组", *reception_row(draw)] for name in names]
    return [
        ["旺旺昵称", "旺旺分组", *RECEPTION],
        *rows,
        ["店铺汇总值", "", *reception_row(draw)],
        ["店铺平均值", "", *reception_row(draw)],
    ]


def ratings(days: int = 2) -> Rows:
    """接待评价, with its two header rows."""
    first = ["日期", "接待人数", *(cell for group in ("总", "邀请", "自主") for cell in (group, *[None] * 10))]
    second = [None, None, *RATINGS * 3]
    all_rated = [100, 50, 30, 12, 5, 2, 1, "50.00%", "50.00%", "84.00%", "92.10%"]
    invited = [80, 36, 24, 7, 3, 1, 1, "40.00%", "45.00%", "86.11%", "93.00%"]
    alone = [20, 14, 6, 5, 2, 1, 0, "10.00%", "70.00%", "78.57%", "90.00%"]
    return [first, second, *([f"2026/4/{day + 1}", 200, *all_rated, *invited, *alone] for day in range(days))]


INQUIRY = [
    [
        "日期",
        "询单人数",
        "当日询单人数",
        "当日付款人数",
        "当日付款金额",
        "最终付款人数",
        "最终付款金额",
        "询单当日付款转化率",
        "询单最终付款转化率",
    ],
    ["2026年4月1日", 310, 300, 120, "12,345.60", 140, "14,001.00", "40.00%", "45.16%"],
    ["2026年4月2日", 290, 280, 100, "10,000.00", "--", "--", "35.71%", "--"],
]
BASKETS = [
    ["日期", "销售额", "销售量", "销售人数", "客单价", "客件数", "件均价"],
    [20260401, "12,345.60", 260, 120, 102.88, 2.17, 47.48],
    [20260402, "10,000.00", 210, 100, 100, 2.1, 47.62],
]
ASSESSED = ["有效会话轮次", "3分钟响应轮次", "3分钟人工响应率", "评价量", "满意量", "旺旺满意度"]
QIANNIU = {
    "上月考核结果": [["店铺", *ASSESSED], ["小熊旗舰店", "12,000", "11,400", "95.00%", 900, 810, "90.00%"]],
    "每日考核数据": [
        ["日期", *ASSESSED],
        ["2026-05-01", 400, 392, "98.00%", 30, 27, "90.00%"],
        ["2026-05-02", 410, 390, "95.12%", 0, 0, "-"],
    ],
    "每日店铺数据": [["日期", "店铺", *ASSESSED], ["2026-05-01", "小熊旗舰店", 400, 392, "98.00%", 30, 27, "90.00%"]],
    "每日客服数据": [
        ["日期", "客服", *ASSESSED],
        ["2026-05-01", "小熊旗舰店:小美", 300, 297, "99.00%", 20, 19, "95.00%"],
        ["2026-05-01", "小熊旗舰店:小丽", 100, 95, "95.00%", 10, 8, "80.00%"],
    ],
}
KUAISHOU_ROWS = [
    ["客服昵称", "日期", *KUAISHOU],
    [
        "小快",
        "2026-04-01 ~ 2026-04-30",
        0.9123,
        0.9201,
        0.01,
        1200,
        1400,
        1300,
        25.5,
        0.97,
        0.968,
        0.005,
        0.006,
        0.01,
        *[50] * 3,
        0.41,
        88.8,
        9999,
    ],
    [
        "汇总值",
        "2026-04-01 ~ 2026-04-30",
        0.9003,
        0.91,
        0.01,
        2400,
        2800,
        2600,
        27,
        0.95,
        0.95,
        0.01,
        0.01,
        0.01,
        *[90] * 3,
        0.40,
        88.8,
        19999,
    ],
]
EXPERIENCE = {
    "success": True,
    "data": {
        "indicators": [
            {
                "code": "3min_manual_rsp_rate",
                "name": "3分钟人工响应率",
                "score": 4.9,
                "value": 0.9971,
                "showValue": "99.71%",
                "rank": 0.91,
                "weight": 0.1,
                "isAssessed": True,
            },
            {
                "code": "ww_satisfaction",
                "name": "旺旺满意度",
                "score": 4.7,
                "value": 0.95,
                "showValue": "95.00%",
                "rank": 0.8,
                "weight": 0.1,
                "isAssessed": True,
            },
            {
                "code": "logistics",
                "name": "物流到货时长",
                "score": 4.5,
                "value": 41.2,
                "showValue": "41.2小时",
                "rank": 0.6,
                "weight": 0.2,
                "isAssessed": False,
            },
        ]
    },
}


def analysis_day(day: int | None, cases: int) -> dict[str, Any]:
    fields = {
        **{"caseCnt": cases, "replyCaseCnt": cases - 1, "replyCaseRatio": round((cases - 1) / cases, 4), "avgRplDur": 0.42},
        **{
            "firstReplyIn45sCaseRatio": 0.88,
            "replyIn3minCaseRatio": 0.9,
            "replyIn3minCaseCnt": round(0.9 * cases),
            "removeNaCaseCnt": cases,
        },
        **{
            "positiveCaseCnt": 18,
            "evaluateCaseCnt": 20,
            "positiveCaseRatio": 0.9,
            "negativeCaseCnt": 1,
            "negativeCaseRatio": 0.05,
        },
        **{"evaluateCaseRatio": round(20 / cases, 4), "replyNAIn3minCaseCnt": 0, "inquiryPayCaseRatio": 0.31},
    }
    return {name: {"value": value} for name, value in fields.items()} | ({"dtm": {"value": str(day)}} if day else {})


ANALYSIS = {
    "code": 0,
    "data": {
        "sellerCSOverall": analysis_day(None, 700),
        "sellerCSTrend": [analysis_day(20260406 + day, 100) for day in range(7)],
    },
}


def chat_rows(lines: int = 6) -> Rows:
    texts = ["在吗？", "亲，在的", "=cmd|' /C calc'!A0", "这款是纯棉的哦", "谢谢😊", "不客气"]
    return [
        CHATS,
        *(
            [
                "c1",
                "买家甲",
                "小美",
                f"2026-04-17 10:00:{line:02}",
                "客服" if line % 2 else "买家",
                "文本",
                texts[line % len(texts)],
            ]
            for line in range(lines)
        ),
    ]


def write_json(path: Path, tree: Any) -> Path:
    path.write_text(json.dumps(tree, ensure_ascii=False), encoding="utf-8")
    return path


def landing_with_names(folder: Path) -> Path:
    """A landing folder in which a shop and its accounts are known."""
    tables = {
        "taobao/shops": "shop_id,marketplace,shop_name\ntb-1,tmall,小熊旗舰店\n",
        "taobao/accounts": "account_id,shop_id,account_type,display_name\ntb-1-a,tb-1,sub,小美\ntb-1-m,tb-1,main,小熊旗舰店\n",
        "taobao/account_aliases": "shop_id,alias,account_id\ntb-1,小丽,tb-1-b\n",
        "kuaishou/account_aliases": "shop_id,alias,account_id\nks-1,小快,ks-1-a\n",
    }
    for table, text in tables.items():
        path = folder / table / "dt=2026-04-01" / "names.csv"
        path.parent.mkdir(parents=True)
        path.write_text(text, encoding="utf-8")
    return folder


def document_files(folder: Path) -> None:
    """The files of docs/importing.md, beside a landing folder."""
    landing_with_names(folder / "landing")
    xlsx(folder / "咨询接待.xlsx", [["店铺：小熊旗舰店"], ["导出时间：2026-05-05"], *reception_by_day()])
    xlsx(folder / "客服接待.xlsx", reception_by_account(["小熊旗舰店:小美", "小丽", "小新"]))
    workbook(folder / "考核数据明细.xlsx", QIANNIU)
    write_json(folder / "客服分析.json", ANALYSIS)
    csv(folder / "排班.csv", [["姓名", "咨询人", "年龄"], ["小美", 1, 2]])
    xlsx(folder / "聊天记录.xlsx", chat_rows())
