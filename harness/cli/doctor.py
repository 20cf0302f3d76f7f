"""``harness doctor``: what is sound here, what is not, and how to mend it."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import click

from harness.cli.options import device_option, home_option, profile_names
from harness.console.status import awaited


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
@click.option("--network", is_flag=True, help="See whether the hub answers, too.")
@click.option("--json", "as_json", is_flag=True, help="The same as JSON.")
@device_option
@home_option
def doctor(
    profile: str, data: str | None, encoder: str | None, network: bool, as_json: bool, device: str, home: str
) -> None:
    """Check this machine, the home and its results, the data and the encoder, and say how to mend what is broken.

    Every line is ok, mind (something will be missing or slow) or broken. Nothing is changed, and nothing downloaded.
    Ends with 0 if nothing is broken, else with 1.
    """
    from harness.cli.setup import setup_of
    from harness.console.checks import check_text, check_user
    from harness.doctor import format
    from harness.doctor.checks import findings
    from harness.doctor.finding import Asked

    setup = setup_of(profile, data, encoder, None, (), ())
    check_text("--home", home)
    check_user("--home", home)
    asked = Asked(
        home=Path(os.path.expanduser(home)),
        profile=setup.profile,
        data=setup.data,
        encoder=setup.encoder,
        device=device,
        network=network,
    )
    found = []
    for finding in awaited(findings(asked), "checking"):
        found.append(finding)
        if not as_json:
            click.echo(format.lines(finding, shutil.get_terminal_size().columns))
    click.echo(format.as_json(found) if as_json else format.verdict(found))
    sys.exit(1 if any(finding.state == "broken" for finding in found) else 0)
