"""Asking over HTTP how somebody is."""

import json
import ssl
import urllib.error
import urllib.request
from typing import Any

TIMEOUT = 2.0  # seconds
# Never through a proxy of the environment, and whatever certificate the gateway shows: it is on this machine.
_opener = urllib.request.build_opener(
    urllib.request.ProxyHandler({}),
    urllib.request.HTTPSHandler(context=ssl._create_unverified_context()),
)


def is_well(url: str) -> bool:
    """Tell whether a GET is answered with 2xx."""
    try:
        with _opener.open(url, timeout=TIMEOUT) as answer:
            return bool(200 <= answer.status < 300)
    except (OSError, ValueError):  # refused, reset, timed out, 4xx and 5xx; nonsense instead of HTTP
        return False


def service_states(url: str) -> dict[str, str]:
    """What the gateway's /health says of each service: name -> status; empty when it says nothing."""
    try:
        with _opener.open(url, timeout=TIMEOUT) as answer:
            report = json.load(answer)
    except urllib.error.HTTPError as error:
        report = _json_of(error)
    except (OSError, ValueError):
        return {}
    services = report.get("services", ()) if isinstance(report, dict) else ()
    if isinstance(services, dict):
        services = [{"name": name, **state} for name, state in services.items()]
    return {service["name"]: str(service["status"]) for service in services}


def _json_of(error: urllib.error.HTTPError) -> Any:
    """/health may answer 503 with a report when nothing is well."""
    try:
        return json.load(error)
    except ValueError:
        return {}
