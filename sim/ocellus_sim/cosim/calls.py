"""The harness' C functions: Python and the model share one process, so the running program is the library."""

import ctypes
import functools
from collections.abc import Callable
from ctypes import POINTER, c_char_p, c_int, c_int32, c_uint64, c_void_p
from typing import Any


class Condition(ctypes.Structure):
    """One thing a burst waits for; see ``Condition`` in burst.cpp."""

    _fields_ = (("kind", c_int32), ("index", c_int32), ("count", c_uint64), ("words", c_void_p))


SINK_HOLDS, SOURCE_EMPTY, PORT_EQUALS = range(3)

_SIGNATURES = {
    "ports": (c_int,),
    "port_name": (c_char_p, c_int),
    "port_width": (c_int, c_int),
    "port_input": (c_int, c_int),
    "regions": (c_int,),
    "region_name": (c_char_p, c_int),
    "region_rested": (c_uint64, c_int),
    "open": (None, c_int, c_int, c_uint64),
    "eval": (None,),
    "set": (None, c_int, c_void_p),
    "get": (None, c_int, c_void_p),
    "source": (c_int, c_int, c_int, c_int, c_uint64, c_uint64),
    "send": (None, c_int, c_void_p, c_uint64),
    "sent": (c_uint64, c_int),
    "sink": (c_int, c_int, c_int, c_int, c_uint64, c_uint64),
    "sink_buffer": (None, c_int, c_void_p, c_void_p, c_uint64),
    "sink_count": (c_uint64, c_int),
    "watch": (c_int, c_int),
    "watch_count": (c_uint64, c_int),
    "watch_rows": (c_void_p, c_int),
    "cycle": (c_uint64,),
    "model_ns": (c_uint64,),
    "reset": (None,),
    "burst": (None,),
    "run": (c_int, c_uint64, c_uint64, POINTER(Condition), c_int),
    "trace": (c_int, c_char_p),
    "trace_stop": (None,),
}


class Harness:
    """The functions as attributes: ``harness.run(...)`` is ``ocellus_run`` of burst.cpp."""

    def __init__(self) -> None:
        program = ctypes.CDLL(None)
        for name, (result, *arguments) in _SIGNATURES.items():
            function = getattr(program, f"ocellus_{name}")
            function.restype = result
            function.argtypes = arguments
            setattr(self, name, function)

    def __getattr__(self, name: str) -> Callable[..., Any]:  # for the type checker: all are set above
        raise AttributeError(f"The harness has no function ocellus_{name}.")


@functools.cache
def harness() -> Harness:
    """The harness of this process; only inside a simulator."""
    return Harness()
