"""The lives of entry, demand, application, grant and dispute (目录、需求、申请、授权、争议) as tables of transitions.

Source: 政务数据共享条例 (国务院令第 809 号) for who answers whom, one request for papers and the way of a dispute;
政务信息资源目录编制指南 (发改高技〔2017〕1272号) for the reviews of an entry; the states are this project's.
"""

from __future__ import annotations

from catalog.model.state_machine import Machine, Transition

ENTRY = Machine(
    "catalogue entry",
    "draft",
    ["superseded", "withdrawn"],
    [
        Transition("submit", ("draft",), "provider_review", ("provider",)),
        Transition(
            "endorse", ("provider_review",), "host_review", ("provider",), ("secrecy_review", "personal_assessment"),
            decides=True,
        ),
        Transition("publish", ("host_review",), "published", ("host",), decides=True),
        Transition("send_back", ("provider_review",), "draft", ("provider",), ("reason",), decides=True),
        Transition("return", ("host_review",), "draft", ("host",), ("reason",), decides=True),
        Transition("supersede", ("published",), "superseded", ("system",)),
        Transition("withdraw", ("draft", "published"), "withdrawn", ("provider", "host"), ("reason",)),
    ],
)  # fmt: skip
"""提供部门审核 (保密审查, 个人信息影响评估) → 主管部门审核 → 发布 → 被替代或撤下."""

DEMAND = Machine(
    "demand",
    "raised",
    ["catalogued", "refused", "withdrawn"],
    [
        Transition("route", ("raised",), "asked", ("system", "host"), ("department",)),
        Transition("confirm", ("asked",), "confirmed", ("provider",), decides=True),
        Transition("refuse", ("asked",), "refused", ("provider",), ("reason",), decides=True),
        Transition("pass_on", ("asked",), "passed_on", ("provider",), ("reason",)),
        Transition("assign", ("passed_on", "refused"), "asked", ("host",), ("department",)),
        Transition("catalogue", ("confirmed",), "catalogued", ("system",), ("entry",)),
        Transition("withdraw", ("raised", "asked", "passed_on", "confirmed"), "withdrawn", ("requester",), ("reason",)),
    ],
)
"""目录外需求: 提出 → 转数源部门 → 确认、不予确认、转办 → 编目."""

_UNDER_REVIEW = ("submitted", "resubmitted")
APPLICATION = Machine(
    "application",
    "submitted",
    ["approved", "refused", "withdrawn"],
    [
        Transition("approve_automatically", ("submitted",), "approved", ("system",), ("rule",)),
        Transition("ask_papers", ("submitted",), "papers_wanted", ("provider",), ("reason",)),
        Transition("supply_papers", ("papers_wanted",), "resubmitted", ("requester",), ("papers",)),
        Transition("endorse", _UNDER_REVIEW, "endorsed", ("provider",), decides=True),
        Transition("approve", _UNDER_REVIEW, "approved", ("provider",), decides=True),
        Transition("refuse", _UNDER_REVIEW, "refused", ("provider",), ("reason",), decides=True),
        Transition("consent", ("endorsed",), "approved", ("host",), decides=True),
        Transition("object", ("endorsed",), "refused", ("host",), ("reason",), decides=True),
        Transition("overturn", ("refused",), "approved", ("system",), ("dispute",)),
        Transition("withdraw", (*_UNDER_REVIEW, "papers_wanted", "endorsed"), "withdrawn", ("requester",), ("reason",)),
    ],
)
"""申请: missing papers are asked for once, because a resubmitted application has no such act."""

GRANT = Machine(
    "grant",
    "active",
    ["revoked", "expired"],
    [
        Transition("suspend", ("active",), "suspended", ("provider", "host", "system"), ("reason",)),
        Transition("resume", ("suspended",), "active", ("provider", "host")),
        Transition("ask_renewal", ("active",), "active", ("requester",), ("valid_to",)),
        Transition("renew", ("active",), "active", ("provider",), ("valid_to",), decides=True),
        Transition(
            "revoke", ("active", "suspended"), "revoked", ("provider", "host", "requester", "system"), ("reason",)
        ),
        Transition("expire", ("active", "suspended"), "expired", ("system",)),
    ],
)
"""授权: 生效 → 中止、恢复、续期 → 撤销或到期; the platform itself acts when the entry behind it changes or goes."""

DISPUTE = Machine(
    "dispute",
    "consulting",
    ["settled", "ruled", "withdrawn"],
    [
        Transition("settle", ("consulting",), "settled", ("provider",), ("outcome",)),
        Transition("bring_to_host", ("consulting",), "before_host", ("requester", "provider"), ("reason",)),
        Transition("rule", ("before_host",), "ruled", ("host",), ("outcome", "reason"), decides=True),
        Transition("bring_to_government", ("before_host",), "before_government", ("requester", "provider", "host"),
                   ("reason",)),
        Transition("rule_finally", ("before_government",), "ruled", ("government",), ("outcome", "reason")),
        Transition("withdraw", ("consulting", "before_host", "before_government"), "withdrawn", ("requester",)),
    ],
)  # fmt: skip
"""争议: 协商 → 主管部门协调 → 本级人民政府决定."""
