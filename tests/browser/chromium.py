"""A headless Chromium, driven over a pipe by the DevTools protocol: needs nothing but the browser itself."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import selectors
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
PATIENCE = 30.0  # seconds for a page to show what it should
NOWHERE = ("about", "blob", "chrome", "chrome-untrusted", "data", "file")  # schemes that ask no host
HERE = ("127.0.0.1", "localhost")
# Containers seldom allow the sandbox, and the pages are ours. The browser itself finds no host but this one.
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--no-first-run",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-extensions",
    "--disable-sync",
    f"--host-resolver-rules=MAP * ~NOTFOUND, {', '.join(f'EXCLUDE {host}' for host in HERE)}",
    "--window-size=1800,1000",
    "--remote-debugging-pipe",
)


class Page:
    """A tab. ``asked`` are the addresses of all that it, its frames and its workers wanted; ``errors`` are what their
    scripts did not catch."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process, self.requests, self.errors = process, list[str](), list[str]()
        self._number, self._read = 0, b""
        self.session = ""  # the browser's own
        self._follow("")
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")

    def _follow(self, session: str) -> None:
        """Have what this session starts wait until its requests are told: tabs, frames and workers of any kind."""
        options = {"autoAttach": True, "waitForDebuggerOnStart": True, "flatten": True}
        self._send("Target.setAutoAttach", session, options)

    def _watch(self, session: str) -> None:
        for method in ("Network.enable", "Runtime.enable"):
            self._send(method, session, {})
        self._follow(session)
        self._send("Runtime.runIfWaitingForDebugger", session, {})

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        """What a command of DevTools answers."""
        number = self._send(method, self.session, params)
        while (reply := self._next()).get("id") != number:
            pass
        assert "error" not in reply, (method, reply["error"])
        return dict(reply["result"])

    def _send(self, method: str, session: str, params: dict[str, Any]) -> int:
        assert self.process.stdin is not None
        self._number += 1
        message = {"id": self._number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        self.process.stdin.write(json.dumps(message).encode() + b"\0")
        self.process.stdin.flush()
        return self._number

    def _next(self) -> dict[str, Any]:
        """The next message; what it says of requests and errors is noted."""
        assert self.process.stdout is not None
        while b"\0" not in self._read:
            with selectors.DefaultSelector() as ready:
                ready.register(self.process.stdout, selectors.EVENT_READ)
                assert ready.select(PATIENCE), "the browser does not answer"
            more = os.read(self.process.stdout.fileno(), 1 << 20)
            assert more, "the browser has ended"
            self._read += more
        message, _, self._read = self._read.partition(b"\0")
        event = dict(json.loads(message))
        params = event.get("params", {})
        match event.get("method"):
            case "Target.attachedToTarget":
                self._watch(params["sessionId"])
            case "Network.requestWillBeSent":
                self.requests.append(params["request"]["url"])
            case "Network.webSocketCreated":
                self.requests.append(params["url"])
            case "Runtime.exceptionThrown":
                self.errors.append(params["exceptionDetails"].get("exception", {}).get("description", "an error"))
        return event

    def open(self, address: str) -> None:
        """Load it anew, even where it differs after # alone."""
        for each in ("about:blank", address):
            self.call("Page.navigate", url=each)

    def tell(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        reply = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in reply, (expression, reply)
        return reply["result"].get("value")

    def until(self, expression: str) -> Any:
        """The value once it is true."""
        until = time.monotonic() + PATIENCE
        while not (value := self.tell(expression)):
            assert time.monotonic() < until, f"never: {expression}; the page says {self.text()[:2000]!r}"
            time.sleep(0.1)
        return value

    def shows(self, *texts: str) -> None:
        """Wait until all of these stand in the page."""
        self.until(f"{json.dumps(texts)}.every(text => document.body?.innerText.includes(text))")

    def text(self) -> str:
        return str(self.tell("document.body?.innerText ?? ''"))

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def outside(self) -> set[str]:
        """What was asked of other machines."""
        split = {url: urlsplit(url) for url in self.requests}
        return {url for url, each in split.items() if each.scheme not in NOWHERE and each.hostname not in HERE}


@contextlib.contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """A page of a browser that keeps its state in the folder; leaving ends all its processes."""
    assert CHROMIUM is not None
    # DevTools reads from descriptor 3 and writes to 4
    words = [
        "sh",
        "-c",
        'exec "$@" 3<&0 4>&1 </dev/null >&2',
        "sh",
        CHROMIUM,
        *FLAGS,
        f"--user-data-dir={folder}",
        "about:blank",
    ]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            words,
            env=os.environ | {"HOME": str(folder), "TMPDIR": str(folder)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        ) as process,
    ):
        try:
            yield Page(process)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
