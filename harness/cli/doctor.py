"""``harness doctor``: checks of a set-up, and how to fix what fails."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import click

from harness.cli.options import device_option, home_option, profile_names
from harness.console.status import iterate_with_status


@click.command()
@click.option(
    "--profile",
    default="demo",
    show_default=True,
    shell_complete=profile_names,
    help="The scale to look at: demo, small or paper.",
)
@click.option("--data", help="Data to look at.  [default: the profile's]")
@click.option("--encoder", help="Encoder to look at.  [default: the profile's]")
@click.option("--network", is_flag=True, help="Check whether the hub answers, too.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@device_option
@home_option
def doctor(
    profile: str, data: str | None, encoder: str | None, network: bool, as_json: bool, device: str, home: str
) -> None:
    """Check this machine, the results folder and its results, the data and the encoder, and say how to fix what is
    wrong.

    Every line is ok, a warning (something will be missing or slow) or an error (something fails). Nothing is changed,
    and nothing downloaded. Ends with 0 if there is no error, else with 1.
    """
    from harness.cli.setup import setup_of
    from harness.console.checks import check_text, check_user
    from harness.doctor import format
    from harness.doctor.checks import findings
    from harness.doctor.finding import Context

    setup = setup_of(profile, data, encoder, None, (), ())
    check_text("--home", home)
    check_user("--home", home)
    context = Context(
        home=Path(os.path.expanduser(home)),
        profile=setup.profile,
        data=setup.data,
        encoder=setup.encoder,
        device=device,
        network=network,
    )
    results = []
    for finding in iterate_with_status(findings(context), "checking"):
        results.append(finding)
        if not as_json:
            click.echo(format.format_finding(finding, shutil.get_terminal_size().columns))
    click.echo(format.as_json(results) if as_json else format.format_summary(results))
    sys.exit(1 if any(finding.state == "error" for finding in results) else 0)
