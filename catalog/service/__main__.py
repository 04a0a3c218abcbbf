"""`python -m catalog.service`: run the exchange service (交换服务) on the port of SERVICE_URL."""

import logging
from typing import Annotated
from urllib.parse import urlsplit

import typer
import uvicorn
from sqlalchemy.exc import DBAPIError, OperationalError

from catalog.control.session import describe
from catalog.model.errors import GuantongError
from catalog.model.masked_output import secrets_hidden
from catalog.service.app import create_app, require_protected_audit, require_recipient
from catalog.service.configuration import Configuration, configured


def serve(
    host: Annotated[str, typer.Option(help="Address to listen on; this machine only, unless told.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Where to listen; 0 takes the port of SERVICE_URL.")] = 0,
) -> None:
    """Serve published tables over the Delta Sharing protocol (发布数据共享).

    Reads SERVICE_URL (the address recipients use), CONTROL_URL and SERVICE_SIGNING_KEY. Does not start while no
    recipient has a token: `python -m catalog recipients add` makes one.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)
    configuration = _ready_configuration()
    address = urlsplit(configuration.service_url)
    uvicorn.run(
        create_app(configuration),
        host=host,
        port=port or address.port or 80,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=bool(configuration.trusted_proxy),
        forwarded_allow_ips=list(configuration.trusted_proxy),
        timeout_graceful_shutdown=5,
    )


def _ready_configuration() -> Configuration:
    """Return the configuration when the service may start, or end with the reason why it may not."""
    try:
        configuration = configured()
        require_protected_audit(configuration.control_url)
        active = require_recipient(configuration.control_url)
    except GuantongError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(2) from error
    except OperationalError as error:
        typer.echo(f"The control database does not answer: {describe(configuration.control_url)}.", err=True)
        raise typer.Exit(3) from error
    except DBAPIError as error:
        typer.echo("The control database lacks its tables: run `python -m catalog migrate`.", err=True)
        raise typer.Exit(3) from error
    logging.getLogger("guantong.service").info("%s serves %d recipients", configuration.endpoint, active)
    return configuration


if __name__ == "__main__":
    with secrets_hidden():
        typer.run(serve)
