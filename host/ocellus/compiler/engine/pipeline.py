"""How long the accelerator's pipelines are; what the gateware's parts say of themselves, and a test compares."""

from ...configurations import SIDE, Configuration
from ...program_formats import Epilogue, LayerOp

WALK = 4
"""Clocks from the making of a command that nothing holds back to its way into the datapath; from the walk, one less."""
REQUANTISER = 8
"""Clocks of a requantiser lane."""
SCALE = 5
"""Clocks in which an operand of an addition is scaled."""
TREE = 3
"""Levels of the adder tree of nine taps."""


def wheel(sizes: Configuration) -> int:
    """Clocks from a read of the activation memory to its words: a digit of a rotation a clock, there and back."""
    stages = next(n for n in range(1, sizes.banks) if SIDE**n >= sizes.banks)
    return 2 * stages + 1


def array(sizes: Configuration) -> int:
    """Clocks from a group's last words to its sums."""
    products = 3 if sizes.packed else 2
    return products + max(TREE, (sizes.inputs - 1).bit_length() + 1) + 1


def drain(sizes: Configuration, op: int, epilogue: int) -> int:
    """Clocks from a step's last command to the beginning of one that needs its results; a clock later it commands.

    With an epilogue: when no group before it is still combined.
    """
    point = op == LayerOp.POINT
    beats = sizes.beats if point else 1
    first_pass = WALK + wheel(sizes) + array(sizes) + 1 + REQUANTISER
    if epilogue == Epilogue.PLAIN:
        return first_pass + beats + 2
    elements = beats * (sizes.beat_pixels * sizes.outputs if point else sizes.lanes) // sizes.combiners
    arithmetic = 2 if epilogue == Epilogue.TABLE else SCALE + 4 + REQUANTISER
    return first_pass + elements + arithmetic + 6
