"""Addresses with a word that no output may hold, broken in every way that a parser, a network or a server knows."""

from catalog.model.secret_texts import Secrecy, secrecy_of
from catalog.model.settings import Settings

CANARY = "KanaRienVogel"
"""What no output may hold, nor the half of it."""
HALF = CANARY[:8]
FORMS = {
    "another system": f"mysql://reader:{CANARY}@db.example.gov/x",
    "slash": f"postgresql://reader:{CANARY}/{CANARY}@127.0.0.1:1/x",
    "blank": f"postgresql://reader:{CANARY} {CANARY}@127.0.0.1:1/x",
    "percent": f"postgresql://reader:{CANARY}%zz{CANARY}@127.0.0.1:1/x",
    "at": f"postgresql://reader:{CANARY}@{CANARY}@127.0.0.1:1/x",
    "no port": f"postgresql://reader:{CANARY}@127.0.0.1:port/x",
    "nobody there": f"postgresql://reader:{CANARY}@127.0.0.1:1/x",
    "words": f"host=127.0.0.1 port=1 user=reader password='{CANARY} {CANARY}'",
    "no scheme": f"reader:{CANARY}@db.example.gov",
    "token instead": CANARY,
    "folder": f"sftp://reader:{CANARY}@files.example.gov/inbox",
    "interface": f"https://reader:{CANARY}@127.0.0.1:1/api?access_token={CANARY}",
    "bracket": f"https://reader:{CANARY}@[::1/api",
}


def secret_settings() -> dict[str, Secrecy]:
    """Return every setting of which something is secret, by its name in the environment."""
    fields = Settings.model_fields.values()
    return {str(field.alias): secrecy_of(field) for field in fields if secrecy_of(field) is not Secrecy.NOTHING}


def filled(name: str) -> str:
    """Return a value for a setting, with the word in it."""
    secrecy = secret_settings()[name]
    if secrecy is Secrecy.PATH:
        return f"https://127.0.0.1:1/hook/{CANARY}-{name}"
    if secrecy is Secrecy.PROOF:
        return f"postgresql+psycopg://reader:{CANARY}-{name}@127.0.0.1:1/x"
    return f"{CANARY}-{name}".ljust(48, "0")
