"""What the order of work is to be good for."""

from enum import StrEnum


class Goal(StrEnum):
    """What is made small: the clocks of an inference, or those that are left when the input's last row has come."""

    THROUGHPUT = "throughput"
    LATENCY = "latency"
