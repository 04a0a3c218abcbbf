"""National identifiers (标识) as column expressions: GB 11643, GB 32100, GB 11714, GB/T 36904, GB/T 2260 and GS 15.

One identifier, one file, as in ``catalog.model.ids``, whose patterns and tables these expressions read. What most rows
go through is arithmetic on whole numbers; only a row that fails is looked at more closely, to name what happened to it.
"""

from __future__ import annotations

from collections.abc import Callable

from jobs.runtime.standards.identifiers.citizen_id import citizen_id_rule
from jobs.runtime.standards.identifiers.division import division_rule
from jobs.runtime.standards.identifiers.licence_id import licence_id_rule
from jobs.runtime.standards.identifiers.organisation_code import organisation_code_of, organisation_code_rule
from jobs.runtime.standards.identifiers.registration_number import registration_number_rule
from jobs.runtime.standards.identifiers.uscc import uscc_rule
from jobs.runtime.standards.rule import Rule

RULES_BY_HEADING: dict[str, Callable[[tuple[str, ...]], Rule]] = {
    "citizen_id": citizen_id_rule,
    "uscc": uscc_rule,
    "organisation_code": organisation_code_rule,
    "registration_number": registration_number_rule,
    "licence_id": licence_id_rule,
    "division": division_rule,
}
"""Standard → its rule, given the column's headings in the source."""
CITIZEN_ID = citizen_id_rule()
USCC = uscc_rule()
ORGANISATION_CODE = organisation_code_rule()
REGISTRATION_NUMBER = registration_number_rule()
LICENCE_ID = licence_id_rule()
DIVISION = division_rule()

__all__ = [
    "CITIZEN_ID",
    "DIVISION",
    "LICENCE_ID",
    "ORGANISATION_CODE",
    "REGISTRATION_NUMBER",
    "RULES_BY_HEADING",
    "USCC",
    "organisation_code_of",
]
