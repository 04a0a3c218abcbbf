"""National identifiers (标识): one identifier, one file, each citing its standard.

Every ``explain_*`` returns a stable reason code, or ``None`` for a valid value. Nothing is trimmed or repaired on the
way: a value that needs repair is repaired by the standardising stage, visibly.
"""
