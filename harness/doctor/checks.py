"""All checks, in the order in which they are made and told. One that fails in a way of its own stops no other."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness.console.redact import reason
from harness.doctor import data, devices, encoder, network, python, resources, tracking, variables, workspace
from harness.doctor.finding import Asked, Finding, Told, broken
from model.errors import InputError

Check = Callable[[Asked], Told | None]  # None: not asked for

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


def findings(asked: Asked) -> Iterator[Finding]:
    """Each as it is found."""
    for name, check in CHECKS.items():
        told = examined(check, asked)
        if told is not None:
            yield Finding(name, *told)


def examined(check: Check, asked: Asked) -> Told | None:
    """What the check says; an error it did not expect is told as what is broken."""
    try:
        return check(asked)
    except InputError as error:
        says, _, mend = str(error).rpartition("; ")
        return broken(says or mend, mend if says else "mend or replace it, then ask the doctor again")
    except Exception as error:  # a doctor has no tracebacks
        told = f"this cannot be told ({type(error).__name__}: {reason(error)})"
        return broken(told, "see what the message names; if it names nothing of yours, the harness has a fault")
