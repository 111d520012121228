"""The size of the frames on this bench: small, with lines that tensor keeps up with and time for the network."""

from ocellus.settings import FrameFormat

FRAME = FrameFormat(96, 64, 320, 100)
