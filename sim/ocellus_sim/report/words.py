"""Numbers as people read them."""


def duration(seconds: float) -> str:
    """``0.42 s``, ``12 s``, ``3 min 20 s``, ``2 h 05 min``."""
    if seconds < 9.95:
        return f"{seconds:.2f} s" if seconds < 0.995 else f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02} min"


def share(part: float, whole: float) -> str:
    """``98.4 %``: never rounded up to 100; a dash where there is nothing to have a share of."""
    if not whole:
        return "-"
    return "100 %" if part == whole else f"{int(1000 * part / whole) / 10:.1f} %"
