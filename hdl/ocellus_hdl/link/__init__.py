"""link: packets on one stream, and the door for pictures."""

from .byte_serial import ByteSerial
from .link import Link

__all__ = ["ByteSerial", "Link"]
