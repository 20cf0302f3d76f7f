"""The hub's reachability: the one check that leaves this machine for more than the tracking store."""

from __future__ import annotations

import time
import urllib.error
import urllib.request

from harness.console.redact import reason
from harness.doctor.finding import Asked, Told, mind, sound

SECONDS = 5


def hub(asked: Asked) -> Told | None:
    """One HEAD request, if it is asked for."""
    if not asked.network:
        return None
    from huggingface_hub import constants

    place, began = constants.ENDPOINT, time.monotonic()
    if not place.startswith(("http://", "https://")):
        return mind(f"HF_ENDPOINT is {place!r}, which is no web address", "unset it")
    try:
        with urllib.request.urlopen(urllib.request.Request(place, method="HEAD"), timeout=SECONDS):
            pass
    except urllib.error.HTTPError as error:  # it answers
        return sound(f"the hub at {place} answers, with {error.code}")
    except OSError as error:
        return mind(
            f"the hub at {place} does not answer ({reason(error)})",
            "encoders and data in the local cache or in folders go without it; see the network, or HTTPS_PROXY",
        )
    return sound(f"the hub at {place} answers after {time.monotonic() - began:.1f} s")
