"""How many clocks a bit of a UART takes."""

MOST_OFF = 0.01
"""A receiver stands 2 %, which both ends' clocks share."""
FEWEST = 8


def clocks_per_bit(clock_hz: float, baud: float) -> int:
    """The nearest whole number; ``ValueError`` when it is below 8 or more than 1 % off."""
    clocks = round(clock_hz / baud)
    if clocks >= FEWEST and abs(clocks * baud / clock_hz - 1) > MOST_OFF:
        raise ValueError(f"serial: found {baud:g} baud at {clock_hz:g} Hz, {clock_hz / clocks:g} is the nearest")
    return check(clocks)


def check(clocks: int) -> int:
    """The number, if a receiver can count it; ``ValueError`` otherwise."""
    if clocks < FEWEST:
        raise ValueError(f"serial: found {clocks} clocks a bit, allowed {FEWEST} and more")
    return clocks
