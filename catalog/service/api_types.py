"""Types of what the interface takes in (入参类型): bounded, and without what a database cannot keep."""

from datetime import datetime
from typing import Annotated

from fastapi import Path
from pydantic import AwareDatetime, BaseModel, ConfigDict, PlainSerializer, StringConstraints

LARGEST = 2**63 - 1

Line = Annotated[
    str, StringConstraints(min_length=1, max_length=200, strip_whitespace=True, pattern=r"^[^\x00-\x1f\x7f]+$")
]
"""One line of text: a name, a title, a reason."""

Secret = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+$")]
"""A password or secret, taken as it is."""

Number = Annotated[int, Path(ge=1, le=LARGEST)]
"""The number of an object in a path."""

Instant = Annotated[datetime, PlainSerializer(lambda moment: moment.isoformat(), return_type=str)]
"""A moment with its zone, in an answer."""

Moment = AwareDatetime
"""A moment that a request names; it says its zone."""


class Body(BaseModel):
    """The parent of what requests send: unknown names are refused."""

    model_config = ConfigDict(extra="forbid")


class Answer(BaseModel):
    """The parent of what is answered."""

    model_config = ConfigDict(from_attributes=True)
