"""All checks, in the order in which they are run and printed. An unexpected error in one stops no other."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator

from harness.console.redact import reason
from harness.doctor import data, devices, encoder, network, python, resources, tracking, variables, workspace
from harness.doctor.finding import Context, Finding, error
from model.errors import InputError

Check = Callable[[Context], Finding | None]  # None: does not apply

CHECKS: dict[str, Check] = {
    "python": python.python,
    "packages": python.packages,
    "extras": python.extras,
    "harness": python.harness,
    "variables": variables.variables,
    "torch": devices.torch,
    "gpu": devices.gpu,
    "bf16": devices.bf16,
    "memory": resources.memory,
    "disk": resources.disk,
    "home": workspace.folder,
    "cells": workspace.cells,
    "store": tracking.store,
    "data": data.data,
    "encoder": encoder.encoder,
    "network": network.hub,
}


def findings(context: Context) -> Iterator[Finding]:
    """Run all checks, one after the other."""
    for name, check in CHECKS.items():
        finding = run_check(check, context)
        if finding is not None:
            yield dataclasses.replace(finding, check=name)


def run_check(check: Check, context: Context) -> Finding | None:
    """The finding of a check; an exception in it is an error."""
    try:
        return check(context)
    except InputError as exc:
        says, _, fix = str(exc).rpartition("; ")
        return error(says or fix, fix if says else "fix or replace it, then run harness doctor again")
    except Exception as exc:  # no tracebacks here
        says = f"this cannot be checked ({type(exc).__name__}: {reason(exc)})"
        return error(says, "see what the message names; if it names nothing of yours, the harness has a fault")
