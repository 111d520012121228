"""Things by their number."""


def count(number: int, what: str) -> str:
    """``1 frame``, ``2,300 frames``."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"
