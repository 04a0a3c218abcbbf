"""The lives of entry, demand, application, grant and dispute (目录、需求、申请、授权、争议) as tables of transitions.

Source: 政务数据共享条例 (国务院令第 809 号) for who answers whom, one request for papers and the way of a dispute;
政务信息资源目录编制指南 (发改高技〔2017〕1272号) for the reviews of an entry; the states are this project's.

Each decision names the acts from which it is kept apart (回避): who wrote does not endorse, who refused does not
settle, who decided for the host does not rule for the government.
"""

from __future__ import annotations

from catalog.model.state_machine import Machine, Transition

WRITING = ("catalogue_entry.draft", "catalogue_entry.edit")
"""Who took one of these has words in the entry (起草、修改)."""
ASKING = ("application.submit", "application.supply_papers")
"""Who took one of these speaks for the requester (申请、补正)."""
PLEADING = ("correction_case.raise", "correction_case.join", "correction_case.supplement")
"""Who took one of these says that the value is wrong (提出、举证)."""
REFUSING = ("application.refuse", "application.object", "correction_case.refuse")
"""What is disputed (不予同意)."""
GRANTING = ("application.endorse", "application.approve", "application.consent", "correction_case.confirm")
_SETTLING = ("dispute.settle", "dispute.rule", "dispute.rule_finally")
_BRINGING = ("dispute.raise", "dispute.bring_to_host", "dispute.bring_to_government")

ENTRY = Machine(
    "catalogue entry",
    "draft",
    ["superseded", "withdrawn"],
    [
        Transition("submit", ("draft",), "provider_review", ("provider",)),
        Transition(
            "endorse", ("provider_review",), "host_review", ("provider",), ("secrecy_review", "personal_assessment"),
            recused=WRITING,
        ),
        Transition("publish", ("host_review",), "published", ("host",), recused=(*WRITING, "catalogue_entry.endorse")),
        Transition("send_back", ("provider_review",), "draft", ("provider",), ("reason",), recused=WRITING),
        Transition("return", ("host_review",), "draft", ("host",), ("reason",),
                   recused=(*WRITING, "catalogue_entry.endorse")),
        Transition("supersede", ("published",), "superseded", ("system",)),
        Transition("withdraw", ("draft", "published"), "withdrawn", ("provider", "host"), ("reason",)),
    ],
)  # fmt: skip
"""提供部门审核 (保密审查, 个人信息影响评估) → 主管部门审核 → 发布 → 被替代或撤下."""

_NAMING = ("demand.raise", "demand.route", "demand.assign")
DEMAND = Machine(
    "demand",
    "raised",
    ["catalogued", "refused", "withdrawn"],
    [
        Transition("route", ("raised",), "asked", ("system", "host"), ("department",)),
        Transition("answer", ("raised",), "catalogued", ("system",), ("entry", "reason")),
        Transition("confirm", ("asked",), "confirmed", ("provider",), recused=_NAMING),
        Transition("refuse", ("asked",), "refused", ("provider",), ("reason",), recused=_NAMING),
        Transition("pass_on", ("asked",), "passed_on", ("provider",), ("reason",)),
        Transition("assign", ("passed_on", "refused"), "asked", ("host",), ("department",)),
        Transition("catalogue", ("confirmed",), "catalogued", ("system",), ("entry",)),
        Transition("withdraw", ("raised", "asked", "passed_on", "confirmed"), "withdrawn", ("requester",), ("reason",)),
    ],
)
"""目录外需求: 提出 → 已在目录的直接答复，其余转数源部门 → 确认、不予确认、转办 → 编目."""

_UNDER_REVIEW = ("submitted", "resubmitted")
_HOST_KEEPS_APART = (*ASKING, "application.endorse", "dispute.raise", *_SETTLING)
APPLICATION = Machine(
    "application",
    "submitted",
    ["approved", "refused", "withdrawn"],
    [
        Transition("approve_automatically", ("submitted",), "approved", ("system",), ("rule",)),
        Transition("ask_papers", ("submitted",), "papers_wanted", ("provider",), ("reason",)),
        Transition("supply_papers", ("papers_wanted",), "resubmitted", ("requester",), ("papers",)),
        Transition("endorse", _UNDER_REVIEW, "endorsed", ("provider",), recused=ASKING),
        Transition("approve", _UNDER_REVIEW, "approved", ("provider",), recused=ASKING),
        Transition("refuse", _UNDER_REVIEW, "refused", ("provider",), ("reason",), recused=ASKING),
        Transition("consent", ("endorsed",), "approved", ("host",), recused=_HOST_KEEPS_APART),
        Transition("object", ("endorsed",), "refused", ("host",), ("reason",), recused=_HOST_KEEPS_APART),
        Transition("overturn", ("refused",), "approved", ("system",), ("dispute",)),
        Transition("remit", ("refused",), "endorsed", ("system",), ("dispute",)),
        Transition("withdraw", (*_UNDER_REVIEW, "papers_wanted", "endorsed"), "withdrawn", ("requester",), ("reason",)),
    ],
)
"""申请: missing papers are asked for once, because a resubmitted application has no such act.

What the provider refused and a dispute overturned goes on to the host authority where the entry says so (`remit`).
"""

_RENEWING = (*ASKING, "grant.ask_renewal")
GRANT = Machine(
    "grant",
    "active",
    ["revoked", "expired"],
    [
        Transition("suspend", ("active", "suspended"), "suspended", ("provider", "host", "system"), ("reason",)),
        Transition("take_back", ("suspended",), "suspended", ("provider", "host"), recused=_RENEWING),
        Transition("resume", ("suspended",), "active", ("provider", "host"), recused=_RENEWING),
        Transition("ask_renewal", ("active",), "active", ("requester",), ("valid_to",)),
        Transition("renew", ("active",), "active", ("provider",), ("valid_to",), recused=_RENEWING),
        Transition("endorse_renewal", ("active",), "active", ("provider",), ("valid_to",), recused=_RENEWING),
        Transition("consent_renewal", ("active",), "active", ("host",),
                   recused=(*_RENEWING, "grant.endorse_renewal")),
        Transition("revoke", ("active", "suspended"), "revoked", ("provider", "host", "requester", "system"),
                   ("reason",)),
        Transition("expire", ("active", "suspended"), "expired", ("system",)),
    ],
)  # fmt: skip
"""授权: 生效 → 中止、恢复、续期 → 撤销或到期; the platform itself acts when the entry behind it changes or goes.

Each suspension stands until its side takes it back; who takes back the last one resumes the grant.

What the host authority consented to is renewed with its consent: the provider endorses a day, the host consents to it.
"""

_RULING = (*_BRINGING, *ASKING, *PLEADING, *REFUSING, *GRANTING, *_SETTLING)
DISPUTE = Machine(
    "dispute",
    "consulting",
    ["settled", "ruled", "withdrawn"],
    [
        Transition("settle", ("consulting",), "settled", ("provider", "host"), ("outcome",),
                   recused=_RULING),
        Transition("bring_to_host", ("consulting",), "before_host", ("requester", "provider"), ("reason",)),
        Transition("rule", ("before_host",), "ruled", ("host",), ("outcome", "reason"),
                   recused=_RULING),
        Transition("bring_to_government", ("before_host",), "before_government", ("requester", "provider", "host"),
                   ("reason",)),
        Transition("rule_finally", ("before_government",), "ruled", ("government",), ("outcome", "reason"),
                   recused=_RULING),
        Transition("withdraw", ("consulting", "before_host", "before_government"), "withdrawn", ("requester",)),
    ],
)  # fmt: skip
"""争议: 协商 → 主管部门协调 → 本级人民政府决定; it is settled by the side that refused, and never by who refused."""
