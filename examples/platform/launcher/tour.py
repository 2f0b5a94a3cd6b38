"""What to try next."""

from pathlib import Path

TEXT = Path(__file__).with_name("tour.txt")


def tour(url: str, logs: Path) -> str:
    """The lines to print when everything is up, with the gateway's address in them."""
    return TEXT.read_text(encoding="utf-8").replace("@URL@", url).replace("@LOGS@", str(logs))
