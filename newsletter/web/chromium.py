"""A page -> its picture from top to bottom, taken by the Chromium of this machine, which goes nowhere else.

The browser is spoken to through two pipes by the DevTools protocol, so that no port is open meanwhile
(https://chromedevtools.github.io/devtools-protocol/). It keeps its files in a folder that goes away with it.
"""

import base64
import fcntl
import json
import math
import os
import select
import shutil
import signal
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from newsletter.errors import ConfigError
from newsletter.settings import without_secrets

PROGRAMS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
PATIENCE = 60.0
"""Seconds that one answer of the browser may take: far more than the longest page needs on a slow machine."""

TALLEST = 16_000
"""CSS pixels of a picture's height: from 16,384 on Chromium begins again at the top of the page."""

_ARGUMENTS = (
    *("--headless=new", "--remote-debugging-pipe", "--no-first-run", "--hide-scrollbars", "--disable-gpu"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-extensions", "--disable-dev-shm-usage", "--mute-audio"),
    # The same picture on every screen.
    *("--force-color-profile=srgb", "--font-render-hinting=none", "--disable-lcd-text"),
    # All is drawn by one process and at once, so that no frame and no picture comes too late.
    *("--disable-features=IsolateSandboxedIframes", "--disable-site-isolation-trials"),
    "--disable-checker-imaging",
    # No name resolves, not even one written in figures, and no proxy is asked instead.
    *("--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND"),
)
_HINT = "see whether it starts by hand: chromium --headless=new --dump-dom about:blank"
_SETTLED = """
(async () => {
  const images = [...document.images]
  for (const image of images) image.loading = "eager"  // what is far down is waited for, too
  await Promise.all([document.fonts.ready, ...images.map(image => image.decode().catch(() => 0))])
  for (const image of images) {
    // Of whole pixels, so that a picture is drawn the same wherever it comes to stand.
    const height = Math.round(image.getBoundingClientRect().height)
    if (height) image.style.setProperty("height", `${height}px`, "important")
  }
})()
"""


def find_chromium() -> str:
    """The path of the browser; raises ConfigError if this machine has none."""
    if found := next(filter(None, map(shutil.which, PROGRAMS)), None):
        return found
    hint = "apt install chromium, or run it without pictures"
    raise ConfigError("pictures are taken by Chromium, which is not installed", where="chromium", hint=hint)


class Browser:
    """A Chromium for as long as the `with` block runs; raises ConfigError if there is none that works."""

    def __init__(self) -> None:
        self._program = find_chromium()
        self._asked = 0
        self._heard = b""
        self._events: set[tuple[str, str]] = set()

    def __enter__(self) -> Self:
        self._folder = tempfile.TemporaryDirectory(prefix="newsletter-", ignore_cleanup_errors=True)
        self._start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            with suppress(ConfigError):
                self._ask("Browser.close")
        for descriptor in (self._to, self._from):
            os.close(descriptor)  # at which it ends by itself, if it was not asked
        self._await_end()
        self._folder.cleanup()

    def picture(self, html: str, *, width: int, dark: bool = False, scripts: bool = False) -> bytes:
        """PNG of the whole page that `html` makes at `width` CSS pixels, light or dark.

        Scripts run only in a page of our own, with `scripts`. Nothing is loaded, so that all pictures have to
        stand in the page (`data:`).
        The PNG has as many pixels as the page, and is cut off at TALLEST.
        """
        target = self._ask("Target.createTarget", url="about:blank")["targetId"]
        tab = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]

        def ask(method: str, **what: Any) -> Any:
            return self._ask(method, tab=tab, **what)

        features = {"prefers-color-scheme": "dark" if dark else "light", "prefers-reduced-motion": "reduce"}
        media = [{"name": name, "value": value} for name, value in features.items()]
        ask("Emulation.setEmulatedMedia", media="screen", features=media)
        ask("Emulation.setScriptExecutionDisabled", value=not scripts)
        # As low as any page, since one that is lower than its window counts as high as that.
        size = {"width": width, "height": 50, "deviceScaleFactor": 1, "mobile": False}
        ask("Emulation.setDeviceMetricsOverride", **size)
        ask("Page.enable")
        frame = ask("Page.getFrameTree")["frameTree"]["frame"]["id"]
        self._events.clear()
        ask("Page.setDocumentContent", frameId=frame, html=html)
        self._await(tab, "Page.loadEventFired")
        ask("Runtime.evaluate", expression=_SETTLED, awaitPromise=True)
        height = min(math.ceil(ask("Page.getLayoutMetrics")["cssContentSize"]["height"]), TALLEST)
        clip = {"x": 0, "y": 0, "width": width, "height": height, "scale": 1}
        how = {"format": "png", "captureBeyondViewport": True, "optimizeForSpeed": True}
        shot = ask("Page.captureScreenshot", clip=clip, **how)
        self._ask("Target.closeTarget", targetId=target)
        return base64.b64decode(shot["data"])

    # ---- the process ----

    def _start(self) -> None:
        theirs_in, self._to = os.pipe()
        self._from, theirs_out = os.pipe()
        # Out of the way of the numbers 3 and 4, at which the browser looks for its ends of the pipes.
        ends = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (theirs_in, theirs_out)]
        arguments = [self._program, *_ARGUMENTS, f"--user-data-dir={self._folder.name}"]
        if os.getuid() == 0:
            arguments.append("--no-sandbox")  # which Chromium asks of whoever is root
        self._log = Path(self._folder.name) / "newsletter.log"
        try:
            self._process = os.posix_spawn(
                self._program,
                [*arguments, "about:blank"],
                without_secrets(os.environ),
                file_actions=[
                    (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
                    (os.POSIX_SPAWN_OPEN, 2, str(self._log), os.O_WRONLY | os.O_CREAT, 0o600),
                    (os.POSIX_SPAWN_DUP2, ends[0], 3),
                    (os.POSIX_SPAWN_DUP2, ends[1], 4),
                ],
                setpgroup=0,  # Ctrl-C is for us, who then end it
                setsigdef=[signal.SIGPIPE],
            )
        except OSError as error:
            raise self._trouble(f"does not start: {error.strerror}") from error
        finally:
            for end in (theirs_in, theirs_out, *ends):
                os.close(end)

    def _await_end(self) -> None:
        """Wait for the browser to have ended; whoever does not within five seconds is ended."""
        until = time.monotonic() + 5
        while os.waitpid(self._process, os.WNOHANG) == (0, 0):
            if time.monotonic() > until:
                with suppress(ProcessLookupError):
                    os.killpg(self._process, signal.SIGKILL)
                os.waitpid(self._process, 0)
                return
            time.sleep(0.01)

    # ---- the protocol: JSON, each message ended by a NUL ----

    def _ask(self, method: str, *, tab: str = "", **what: Any) -> Any:
        """What the browser answers; raises ConfigError if it cannot, or does not in time."""
        self._asked += 1
        message: dict[str, Any] = {"id": self._asked, "method": method, "params": what}
        if tab:
            message["sessionId"] = tab
        data = json.dumps(message).encode() + b"\0"
        until = time.monotonic() + PATIENCE
        while data:
            self._ready(writing=True, until=until)
            try:
                data = data[os.write(self._to, data[:4096]) :]
            except OSError as error:
                raise self._trouble("has ended") from error
        while (answer := self._next(until)).get("id") != self._asked:
            pass
        if "error" in answer:
            raise self._trouble(f"refuses {method}: {answer['error'].get('message', '')}")
        return answer["result"]

    def _await(self, tab: str, event: str) -> None:
        until = time.monotonic() + PATIENCE
        while (tab, event) not in self._events:
            self._next(until)

    def _next(self, until: float) -> dict[str, Any]:
        """The next message; if it is an event it is noted, too."""
        pieces = [self._heard]
        while b"\0" not in pieces[-1]:
            self._ready(writing=False, until=until)
            piece = os.read(self._from, 1 << 20)
            if not piece:
                raise self._trouble("has ended")
            pieces.append(piece)
        line, _, self._heard = b"".join(pieces).partition(b"\0")
        message: dict[str, Any] = json.loads(line)
        if "method" in message:
            self._events.add((message.get("sessionId", ""), message["method"]))
        return message

    def _ready(self, *, writing: bool, until: float) -> None:
        left = max(0.0, until - time.monotonic())
        reads, writes = ([], [self._to]) if writing else ([self._from], [])
        if not any(select.select(reads, writes, [], left)):
            raise self._trouble(f"has not answered for {PATIENCE:.0f} seconds")

    def _trouble(self, what: str) -> ConfigError:
        """The error, with the last line that the browser left in its log."""
        lines: list[str] = []
        with suppress(OSError):
            lines = self._log.read_text(encoding="utf-8", errors="replace").split("\n")
        last = next((line for line in reversed(lines) if line), "")
        what += f" ({last})" if last else ""
        return ConfigError(f"the browser {what}", where=self._program, hint=_HINT)
