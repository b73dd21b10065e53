"""An alert -> a call of a webhook: a POST of a small JSON object."""

import http.client
import json
import ssl
from urllib.parse import urlsplit

from newsletter.alerts.alert import Alert
from newsletter.errors import Unavailable

SECONDS = 10.0


def call_webhook(
    alert: Alert, address: str, *, seconds: float = SECONDS, context: ssl.SSLContext | None = None
) -> None:
    """POST the alert's facts to an address that `on_time.read_alerts` let pass; any 2xx is good.

    Nothing of the address but its host is ever told: whoever knows it may call it. A redirection is not
    followed. Raises Unavailable; each step may take so many seconds.
    """
    parts = urlsplit(address)
    host = parts.hostname or ""
    connection = (
        http.client.HTTPConnection(host, parts.port, timeout=seconds)
        if parts.scheme == "http"
        else http.client.HTTPSConnection(
            host, parts.port, timeout=seconds, context=context or ssl.create_default_context()
        )
    )
    where = f"[alerts] webhook at {host}"
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"Content-Type": "application/json", "User-Agent": "newsletter"}
    try:
        connection.request("POST", target, json.dumps(alert.facts).encode(), headers)
        status = connection.getresponse().status
    except (OSError, ValueError, http.client.HTTPException) as error:
        raise Unavailable(f"cannot be called: {error or type(error).__name__}", where=where) from error
    finally:
        connection.close()
    if not 200 <= status < 300:
        raise Unavailable(f"answers {status}", where=where)
