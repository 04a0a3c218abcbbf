"""Personal numbers and secrets out of texts (脱敏): what is logged or kept names no person and opens nothing."""

import re

from catalog.model.secret_texts import mask_secrets

_CITIZEN_ID = re.compile(r"(?<![0-9])([1-9][0-9]{5})((?:18|19|20)[0-9]{9}[0-9Xx]|[0-9]{9})(?![0-9])")
_PHONE = re.compile(r"(?<![0-9])(1[3-9])[0-9]{9}(?![0-9])")


def mask_personal(text: str) -> str:
    """Hide citizen numbers (公民身份号码, 18 or 15 digits) and mobile numbers inside a text.

    >>> mask_personal("row 7: 11010519491231002X has a wrong check digit")
    'row 7: 110105************ has a wrong check digit'
    >>> mask_personal("call 13812345678")
    'call 13*********'
    """
    masked = _CITIZEN_ID.sub(lambda found: found[1] + "*" * len(found[2]), text)
    return _PHONE.sub(lambda found: found[1] + "*" * 9, masked)


def mask_text(text: str) -> str:
    """Hide personal numbers and secrets inside a text that is kept or shown.

    >>> mask_text("11010519491231002X at mysql://reader:s3cret@10.1.2.3/db")
    '110105************ at mysql://reader:***@10.1.2.3/db'
    """
    return mask_personal(mask_secrets(text))
