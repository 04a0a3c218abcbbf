"""All settings of the project in one documented list (配置).

Values come from the environment, then from ``$GUANTONG_HOME/env``, which the embedded stack writes with mode 0600.
"""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from datetime import date, datetime
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from catalog.model.errors import SettingMissingError, SettingsFileError
from catalog.model.secret_texts import Secrecy

BEIJING = ZoneInfo("Asia/Shanghai")
CHECKOUT = Path(__file__).resolve().parents[2]

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")

Plain = Annotated[str, Secrecy.NOTHING]
"""A text that anybody may read; one that is not said to be is a secret (密钥)."""
Address = Annotated[str, Secrecy.PROOF]
"""An address that may hold a password or a token."""
Secret = Annotated[str, Secrecy.WHOLE]


def home_folder() -> Path:
    """Return the state folder: ``GUANTONG_HOME``, else ``.guantong`` in the checkout."""
    return Path(os.environ.get("GUANTONG_HOME") or CHECKOUT / ".guantong").resolve()


def read_env_file(path: Path) -> dict[str, str]:
    """Return the ``KEY=VALUE`` lines of ``path``, as a shell that sources it reads them; an absent file has none.

    >>> read_env_file(Path("/nonexistent/env"))
    {}

    Raises:
        SettingsFileError: when a line can be read in two ways.
    """
    if not path.is_file():
        return {}
    lines = enumerate(_text_of(path).split("\n"), 1)
    kept = ((number, line.strip()) for number, line in lines)
    return dict(_read_line(f"{path}:{number}", line) for number, line in kept if line and not line.startswith("#"))


def _text_of(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        said, remedy = "the file is not in UTF-8", "save it as UTF-8"
    except OSError as error:
        said, remedy = f"the file cannot be read: {os.strerror(error.errno or 0)}", "let its owner run the command"
    raise SettingsFileError(said, place=str(path), remedy=remedy)


def write_env_lines(values: Mapping[str, str]) -> str:
    """Return the text of a settings file that a shell can source, whatever the values hold.

    >>> print(write_env_lines({"A": "plain", "B": "it's $5; 甲"}), end="")
    A=plain
    B='it'"'"'s $5; 甲'

    Raises:
        SettingsFileError: when a value has more than one line, or a name is none.
    """
    for name, value in values.items():
        if not _NAME.fullmatch(name) or set(value) & set("\n\r\0"):
            raise SettingsFileError(
                f"setting {name!r} cannot stand in a settings file", place=name,
                remedy="a name has letters, digits and _, and a value one line",
            )  # fmt: skip
    return "".join(f"{name}={shlex.quote(value)}\n" for name, value in sorted(values.items()))


def _read_line(place: str, line: str) -> tuple[str, str]:
    try:
        word, *more = shlex.split(line.removeprefix("export "))
    except ValueError:
        word, more = "", []
    name, sign, value = word.partition("=")
    if not sign or not _NAME.fullmatch(name) or (more and not more[0].startswith("#")):
        raise SettingsFileError(
            "the line is not one setting", place=place, remedy="write KEY='value', an apostrophe in it as '\"'\"'"
        )
    return name, value


class Settings(BaseSettings):
    """Every setting, with its environment variable as alias."""

    model_config = SettingsConfigDict(extra="ignore", populate_by_name=True, hide_input_in_errors=True)

    home: Path = Field(default_factory=home_folder, alias="GUANTONG_HOME")
    """State folder (状态目录); everything the project writes is below it."""
    lake_uri: Address = Field(default="", alias="LAKE_URI")
    """Root of the Delta lake: ``file:`` or ``s3a:`` URI; default ``file:<home>/lake``."""
    spark_remote: Address = Field(default="", alias="SPARK_REMOTE")
    """Spark Connect server, ``sc://host:port``."""
    control_url: Address = Field(default="", alias="CONTROL_URL")
    """Control plane, SQLAlchemy URL of PostgreSQL."""
    service_url: Address = Field(default="", alias="SERVICE_URL")
    """Exchange service, ``http://host:port``."""
    service_signing_key: Secret = Field(default="", alias="SERVICE_SIGNING_KEY")
    """Key of the signed file addresses, hexadecimal."""
    identity_key: Secret = Field(default="", alias="IDENTITY_KEY")
    """Key of the stable ids of base-library entities, hexadecimal."""
    service_control_url: Address = Field(default="", alias="SERVICE_CONTROL_URL")
    """Control plane as the exchange service logs in to it: a role that can add to the audit and never change it."""
    audit_key: Secret = Field(default="", alias="AUDIT_KEY")
    """Secret of the audit's seals, signatures and keyed hashes, hexadecimal; kept outside the database."""
    credential_key: Secret = Field(default="", alias="CREDENTIAL_KEY")
    """Key of the secrets that must be read again (one-time code seeds, webhook keys), hexadecimal."""
    audit_digest: Literal["sha256", "sm3"] = Field(default="sha256", alias="AUDIT_DIGEST")
    """Hash of new audit entries; ``sm3`` is GB/T 32905."""
    sign_ins_per_minute: int = Field(default=30, ge=1, alias="SIGN_INS_PER_MINUTE")
    """How often one address may log in or ask for a token, in each process of the service."""
    trusted_proxy: Plain = Field(default="", alias="TRUSTED_PROXY")
    """Proxies that are believed on where a request comes from: addresses or networks, with commas; none unless set."""
    webhook_hosts: Plain = Field(default="", alias="WEBHOOK_HOSTS")
    """Hosts that events may be sent to, with commas: ``name``, ``.suffix`` or ``address:port``; none unless set."""
    oidc_issuer: Address = Field(default="", alias="OIDC_ISSUER")
    """Identity provider (统一身份认证); log-in by it is off unless set."""
    oidc_client_id: Plain = Field(default="", alias="OIDC_CLIENT_ID")
    oidc_client_secret: Secret = Field(default="", alias="OIDC_CLIENT_SECRET")
    oidc_redirect_uri: Address = Field(default="", alias="OIDC_REDIRECT_URI")
    """Page that the identity provider sends people back to."""
    oidc_second_factor: Plain = Field(default="mfa,otp,hwk,swk", alias="OIDC_SECOND_FACTOR")
    """Values of the claim ``amr`` (RFC 8176) that count as a second factor."""
    audit_retention_days: int = Field(default=1096, ge=1096, alias="AUDIT_RETENTION_DAYS")
    """How long the audit is kept at least; not under three years (个人信息保护法 第五十六条)."""
    link_rows: int = Field(default=2_000_000, ge=1, alias="LINK_ROWS")
    """Records that linking compares in its own process (DuckDB); more are compared on Spark, with the same answer."""
    review_persons: int = Field(default=1, ge=1, alias="REVIEW_PERSONS")
    """How many different persons must say the same of a pair of records before it counts."""
    feed_gap_days: int = Field(default=30, ge=1, alias="FEED_GAP_DAYS")
    """How long numbers of a change feed that have no row are asked for again at each reading."""
    page_bytes: int = Field(default=1 << 28, ge=1 << 10, alias="PAGE_BYTES")
    """The longest answer that an interface may give to one question."""
    real_data: Path | None = Field(default=None, alias="REAL_DATA")
    """Folder with real departmental lists, when there is one."""
    business_date: date = Field(default_factory=lambda: datetime.now(BEIJING).date(), alias="BUSINESS_DATE")
    """The day that a run works for (业务日期); default today in Beijing, wherever the machine stands."""
    notice_webhook_url: Annotated[str, Secrecy.PATH] = Field(default="", alias="NOTICE_WEBHOOK_URL")
    """Where a notice about a stopped gate is posted; empty: nowhere."""
    notice_webhook_key: Secret = Field(default="", alias="NOTICE_WEBHOOK_KEY")
    """Key by which the receiver proves that a notice is ours."""
    notice_mail_server: Address = Field(default="", alias="NOTICE_MAIL_SERVER")
    """Mail server, ``smtp://host:port`` or ``smtps://user:password@host:port``; empty: no mail."""
    notice_mail_from: Plain = Field(default="", alias="NOTICE_MAIL_FROM")
    """Sender of notices; default the first recipient."""
    notice_mail_to: Plain = Field(default="", alias="NOTICE_MAIL_TO")
    """Recipients of notices, separated by commas."""
    event_mail_to: Plain = Field(default="", alias="EVENT_MAIL_TO")
    """Where inboxes go by mail, ``department=address`` with commas; empty: nowhere."""
    superseded_days: int = Field(default=30, ge=0, alias="SUPERSEDED_DAYS")
    """For how many days a superseded version of a shared table may be read, where its contract does not say."""
    resource_path: Plain = Field(default="", alias="RESOURCE_PATH")
    """Further folders with contracts, separated by colons."""
    jurisdiction: Plain = Field(default="national", alias="JURISDICTION")
    """Whose deadlines hold (辖区), a profile of ``catalog/deadlines``."""
    sources: dict[str, str] = Field(default_factory=dict, exclude=True)
    """``SOURCE_<SERVER>`` and ``SOURCE_<SERVER>_TOKEN`` as found."""

    def model_post_init(self, context: object) -> None:
        """Fill the defaults that depend on others."""
        self.lake_uri = (self.lake_uri or f"file:{self.home}/lake").rstrip("/")

    @property
    def landing(self) -> Path:
        """Folder of the landing layer (落地区)."""
        return self.home / "landing"

    @property
    def outlines(self) -> Path:
        """File with the outlines of the contracts, from which DAGs are planned; it may be deleted at any time."""
        return self.home / "cache" / "outlines.json"

    def require(self, name: str) -> str:
        """Return setting ``name`` (a field), or say how to get it.

        Raises:
            SettingMissingError: when it is empty.
        """
        value = getattr(self, name)
        if not value:
            raise SettingMissingError(
                f"setting {name.upper()} has no value",
                place=str(self.home / "env"),
                remedy="start the stack with `make serve`, or set the variable in the environment",
            )
        return str(value)

    def source(self, server: str) -> str:
        """Return the address of source system ``server``, from ``SOURCE_<SERVER>``.

        Raises:
            SettingMissingError: when no address is set.
        """
        key = f"SOURCE_{server.upper()}"
        if not self.sources.get(key):
            raise SettingMissingError(
                f"source system {server} has no address",
                place=key,
                remedy=f"set {key}, for example postgresql://user:password@host:5432/database",
            )
        return self.sources[key]

    def source_token(self, server: str) -> str:
        """Return the bearer token for ``server``, or an empty string."""
        return self.sources.get(f"SOURCE_{server.upper()}_TOKEN", "")


def load_settings(environment: dict[str, str] | None = None) -> Settings:
    """Return settings from ``environment`` (default: the process's) over the stack's ``env`` file.

    Raises:
        SettingsFileError: when the file cannot be read, or a value is none of its setting; no value is told.
    """
    environ = dict(os.environ) if environment is None else environment
    home = Path(environ.get("GUANTONG_HOME") or home_folder())
    values = {**read_env_file(home / "env"), **{k: v for k, v in environ.items() if v}}
    values["GUANTONG_HOME"] = str(home.resolve())
    known = {f.alias for f in Settings.model_fields.values() if f.alias}
    fields = {key: value for key, value in values.items() if key in known}
    sources = {key: value for key, value in values.items() if key.startswith("SOURCE_")}
    try:
        return Settings(**fields, sources=sources)  # type: ignore[arg-type]
    except ValidationError as error:
        wrong = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors(include_input=False)]
    names = ", ".join(said.partition(":")[0] for said in wrong)
    raise SettingsFileError(
        "; ".join(wrong), place=str(home / "env"), remedy=f"set {names} anew, there or in the environment"
    )


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Return the settings of this process, read once."""
    return load_settings()
