"""`impasto serve`: the doors opened to others."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Annotated

from typer import Option

from impasto.core import ImpastoError, Invalid

LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")


def serve(
    host: Annotated[str | None, Option(help="Where to listen; 0.0.0.0 is everywhere.", show_default=False)] = None,
    port: Annotated[int | None, Option(min=1, max=65535, help="The port.", show_default=False)] = None,
    data: Annotated[
        Path | None, Option(help="The folder for what must last.", show_default=False, file_okay=False)
    ] = None,
    accounts: Annotated[
        bool, Option("--accounts", help="Serve many people, each with an account and credits.", show_default=False)
    ] = False,
) -> None:
    """Serve the API: for you alone on this machine, or with --accounts for many."""
    try:
        import uvicorn

        from impasto.app import Options, open_app
    except ImportError as error:
        raise ImpastoError(f'serving needs more ({error.name}): pip install "impasto[serve]"') from error
    from impasto.settings import settings

    known = settings()
    host, port = host or known.host, port or known.port
    if host not in LOCAL_HOSTS and not accounts:
        raise Invalid("host", f"{host} is open to others, who would all be you: say --accounts as well")
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    options = Options(data=(data or known.data_folder).expanduser(), accounts=accounts, hosts=frozenset({host}))
    with open_app(options) as app:
        print(f"Impasto is at http://{'localhost' if host in LOCAL_HOSTS else host}:{port}", flush=True)
        uvicorn.run(app, host=host, port=port, log_level="warning", timeout_graceful_shutdown=3)
