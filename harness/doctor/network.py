"""Checks that the hub answers: the one check that leaves this machine for more than the tracking store."""

from __future__ import annotations

import time
import urllib.error
import urllib.request

from harness.console.redact import reason
from harness.doctor.finding import Context, Finding, ok, warning

SECONDS = 5


def hub(context: Context) -> Finding | None:
    """One HEAD request, with ``--network`` alone."""
    if not context.network:
        return None
    from huggingface_hub import constants

    address, start = constants.ENDPOINT, time.monotonic()
    if not address.startswith(("http://", "https://")):
        return warning(f"HF_ENDPOINT is {address!r}, which is no web address", "unset it")
    try:
        with urllib.request.urlopen(urllib.request.Request(address, method="HEAD"), timeout=SECONDS):
            pass
    except urllib.error.HTTPError as exc:  # it answers
        return ok(f"the hub at {address} answers, with {exc.code}")
    except OSError as exc:
        return warning(
            f"the hub at {address} does not answer ({reason(exc)})",
            "encoders and data in the local cache or in folders go without it; see the network, or HTTPS_PROXY",
        )
    return ok(f"the hub at {address} answers after {time.monotonic() - start:.1f} s")
