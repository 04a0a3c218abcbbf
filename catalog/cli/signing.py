"""The name that a person gives with a command (署名): kept beside the account that gave it, never alone."""

from typing import Annotated

import typer

from catalog.model.signature import Signature

By = Annotated[
    Signature,
    typer.Option(
        "--by",
        parser=Signature.given,
        metavar="NAME",
        help="Name of the person who decides; it is kept with the account that runs the command.",
    ),
]
