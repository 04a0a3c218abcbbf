"""Electronic licence identifier (电子证照标识, GB/T 36904-2018).

``1.2.156.3005.2.<type 21>.<issuer 18>.<serial>.<version 3>.<check>``; the check is ISO 7064 MOD 37,36 over type,
issuer, serial and version without the dots.
"""

from __future__ import annotations

import re

from stdnum.iso7064 import mod_37_36

ROOT = "1.2.156.3005.2"
PATTERN = r"\A1\.2\.156\.3005\.2\.[0-9A-Z]{21}\.[0-9A-Z]{18}\.[0-9A-Z]+\.[0-9]{3}\.[0-9A-Z]\z"
_FORM = re.compile(PATTERN.replace(r"\z", r"\Z"), re.ASCII)


def check_character(type_code: str, issuer: str, serial: str, version: str) -> str:
    """Return the check character of an identifier's parts.

    >>> check_character("11100000000013338W011", "11430000006122244L", "20230000403", "001")
    'U'
    """
    return str(mod_37_36.calc_check_digit(type_code + issuer + serial + version))


def explain_licence_id(value: str) -> str | None:
    """Return why ``value`` is not a licence identifier, or None.

    >>> explain_licence_id("1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.U") is None
    True
    >>> explain_licence_id("1.2.156.3005.2.11100000000013338W011.11430000006122244L.20230000403.001.A")
    'LICENCE_ID_CHECKSUM'
    >>> explain_licence_id("20230000403")
    'LICENCE_ID_FORMAT'
    """
    if not _FORM.match(value):
        return "LICENCE_ID_FORMAT"
    type_code, issuer, serial, version, check = value[len(ROOT) + 1 :].split(".")
    if check_character(type_code, issuer, serial, version) != check:
        return "LICENCE_ID_CHECKSUM"
    return None
