"""``harness ui``: a read-only server of MLflow's pages on a results folder's results."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

import click

from harness.cli.options import home_option
from harness.console.status import status_line


@click.command()
@click.option("--port", type=click.IntRange(1, 65535), help="Port to listen on.  [default: 5055, or a free one]")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@home_option
def ui(port: int | None, host: str, home: str) -> None:
    """Open MLflow's pages on the results, until Ctrl-C.

    They show the results folder's store, or that of MLFLOW_TRACKING_URI, for reading, to whoever has the link that is
    printed; on this machine alone unless --host says otherwise.
    """
    import secrets

    from harness.console.redact import redact_secrets
    from harness.tracking.ui_app import with_token
    from harness.tracking.ui_server import (
        free_port,
        handle_signals,
        is_loopback,
        last_error,
        list_reports,
        list_tables,
        local_host,
        server,
        store_of,
        url_host,
        usual_port,
        wait_for_pages,
    )

    uri = store_of(Path(home).expanduser(), os.environ.get("MLFLOW_TRACKING_URI"))
    if uri.lower().startswith(("http://", "https://", "databricks")):
        click.echo(f"the pages are at {redact_secrets(uri)}, the address in MLFLOW_TRACKING_URI")
        return
    port = usual_port(host) if port is None else free_port(host, port)
    if not is_loopback(host):
        readers = f"whoever reaches {host} port {port} and has the link"
        click.echo(
            f"warning: {readers} can read the results; the link and the pages cross the network in clear", err=True
        )
    handle_signals()
    token, folder = secrets.token_urlsafe(16), Path(home).expanduser()
    with contextlib.suppress(KeyboardInterrupt), server(uri, host, port, folder, token) as (process, log):
        with status_line("starting MLflow's server"):
            wait_for_pages(process, host, port, log)
        pages = f"http://{url_host(host)}:{port}"
        click.echo(f"MLflow's pages: {with_token(pages, token)} (Ctrl-C ends them)")
        for line in (*list_tables(local_host(host), port, pages, token), *list_reports(folder, pages)):
            click.echo(line)
        code = process.wait()
        click.echo(f"MLflow's server ended with exit code {code}: {last_error(log)}", err=True)
        sys.exit(1)
