"""The words of a program as signals."""

from ocellus.formats import CNN_STATUS, TENSOR_BYTE
from ocellus.program_formats import IMAGE_HEADER, LAYER, PARAMETER, STEP

from ..layouts import struct

HEADER = struct(IMAGE_HEADER)
LAYER_WORD = struct(LAYER)
STEP_WORD = struct(STEP)
ENTRY = struct(PARAMETER)
STATUS = struct(CNN_STATUS)
TENSOR = struct(TENSOR_BYTE)
