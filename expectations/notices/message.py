"""What a notice says (告警内容): which table stopped, why, whom it concerns; no value of any row."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from catalog.control.masking import mask_personal
from catalog.model.departments import load_departments
from expectations.result import CheckOutcome

MOST_RULES = 20


@dataclass(frozen=True)
class Message:
    """One notice; the same for every channel."""

    notice_id: uuid.UUID
    resource: str
    body: dict[str, Any]

    @property
    def subject(self) -> str:
        """The subject of a mail."""
        return f"[贯通] 质量关口阻断 {self.body['table']}（版本 {self.body['version']}）"

    @property
    def text(self) -> str:
        """The text of a mail, Chinese first."""
        reasons = [f"- {r['zh']} / {r['en']}（{r['failed']:,}）" for r in self.body["rules"]]
        reasons += [f"- {refusal}" for refusal in self.body["refusals"]]
        return "\n".join(
            [
                f"质量关口阻断了 {self.body['table']} 版本 {self.body['version']}；上一合格版本继续对外提供。",
                f"The gate stopped {self.body['table']} version {self.body['version']}; "
                "the last good version stays served.",
                "",
                *reasons,
                "",
                f"责任部门 department: {'、'.join(self.body['departments'])}",
                f"详情 details: {self.body['remedy']}",
            ]
        )


def message_of(outcome: CheckOutcome) -> Message:
    """Return the notice about a stopped check."""
    stopped = [rule for rule in outcome.rules if rule.outcome == "stop"]
    names = load_departments()
    departments = sorted({rule.department for rule in stopped})
    body = {
        "event": "gate_stopped",
        "resource": outcome.resource,
        "table": outcome.table,
        "version": outcome.version,
        "rows": outcome.rows,
        "refusals": [mask_personal(refusal)[:500] for refusal in outcome.refusals],
        "rules": [
            {"rule_id": rule.rule_id, "zh": rule.zh, "en": rule.en, "failed": rule.failed}
            for rule in stopped[:MOST_RULES]
        ],
        "departments": [names[d].name if d in names else d for d in departments],
        "remedy": f"python -m expectations report {outcome.resource}",
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    return Message(uuid.uuid4(), outcome.resource, body)
