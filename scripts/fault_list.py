"""Bugs as people make them, an expression each, and the stage at which each can first be seen."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fault:
    """The expression between « and » in a text that stands once in a file of the gateware becomes ``wrong``.

    Attributes
    ----------
    stage
        Where it is.
    shows
        The first stage that can show it, as `make sim` calls it (how it begins).
    variables
        Of `make sim`, beside those of every run.
    tests
        Tests of the stage to run instead of `make sim`, for what a frame of it does not meet: ``tb/<stage>``.
    """

    stage: str
    meaning: str
    file: str
    text: str
    wrong: str
    shows: str
    variables: Mapping[str, str] = field(default_factory=dict)
    tests: str = ""

    def put_in(self, source: str, expression: str) -> str:
        """The file's text with an expression for the right one; ``{wrong}`` and ``{right}`` stand for both.

        Raises
        ------
        ValueError
            When the text does not stand there once.
        """
        before, _, rest = self.text.partition("«")
        right, _, after = rest.partition("»")
        if source.count(before + right + after) != 1:
            raise ValueError(
                f"{self.file}: found {before + right + after!r} {source.count(before + right + after)} times"
            )
        put = expression.format(wrong=self.wrong, right=right)
        return source.replace(before + right + after, before + put + after)


FAULTS = (
    Fault("readout", "bit 0 of every sixth beat is stuck", "readout/elastic_store.py",
          ".eq(«words.r_data»)", "words.r_data | (column == 5)", "raw"),
    Fault("readout", "off by one at the line's end: the mark is a beat early", "readout/elastic_store.py",
          "beat.last_in_line.eq(«column == frame.words_per_line - 1»)", "column == frame.words_per_line - 2", "raw"),
    Fault("readout", "the ticket bears the number of the frame after", "readout/ledger.py",
          "ticket.frame_counter.eq(«begun»)", "begun + 1", "record"),
    Fault("isp", "blue is cut, not rounded", "isp/white_balance.py", "«(blue + 32) >> 6»", "blue >> 6", "rgb"),
    Fault("isp", "the Bayer phase is swapped: green for red", "isp/quads.py",
          "quad.red.eq(«above.data.pixel[2 * index]»)", "above.data.pixel[2 * index + 1]", "rgb"),
    Fault("isp", "a stale line buffer: a line's last word is not written", "isp/quads.py",
          "write.en.eq(«taken & ~odd»)", "taken & ~odd & ~self.i.payload.last_in_line", "rgb"),
    Fault("isp", "signedness lost: a negative product is a large number", "isp/colour_matrix.py",
          "total.eq((«products[0]» + products[1])", "products[0].as_unsigned()", "rgb"),
    Fault("isp", "a carry is lost: the half is put in, not added", "isp/colour_matrix.py",
          "(«products[2] + (1 << FRACTION_BITS - 1)»)", "products[2] ^ (1 << FRACTION_BITS - 1)", "tb/isp",
          tests="tb/isp"),
    Fault("isp", "the gamma table is read off by one", "isp/gamma.py",
          "read.addr.eq(«self.i.payload.colour[channel]»)", "self.i.payload.colour[channel] + 1", "rgb"),
    Fault("tensor", "half a step is missing", "tensor/quantiser.py",
          "rounded.eq(«limited + offset + 128»)", "limited + offset", "tensor"),
    Fault("tensor", "the window begins a column late", "tensor/crop.py",
          "inside = («x >= settings.crop_x»)", "x > settings.crop_x", "tensor"),
    Fault("cnn", "ties of negative sums are rounded up, not away from zero", "cnn/lane.py",
          "r.eq((«near + half - (near[-1] & ~once & (distance != 0))»)", "near + half", "layer"),
    Fault("cnn", "the shift of the requantiser is off by one", "cnn/lane.py",
          "right.eq(Mux(self.i_shift < 0, «-self.i_shift», 0))", "-self.i_shift - 1", "layer"),
    Fault("cnn", "the weight memory is read off by one", "cnn/weights.py",
          "read.addr.eq(«addresses[n][:bits]»)", "(addresses[n] + 1)[:bits]", "layer"),
    Fault("cnn", "accumulators are not cleared for the next group", "cnn/array.py",
          'copies(m, platform, «~flags_of.first», PIXELS, "keeps")', "1", "layer"),
    Fault("cnn", "the border is filled with 0, not with the zero point", "cnn/wheel.py",
          "copies(m, platform, «fill[at - 1]», pairs", "Const(0, signed(8))", "layer"),
    Fault("metadata", "the box's left edge is cut, not rounded", "metadata/box_placer.py",
          "edge.eq(«centre - half + rounding»)", "centre - half", "record"),
    Fault("metadata", "the ticket of the frame before is on the record", "metadata/metadata.py",
          "tickets.r_en.eq(«writer.i_ticket.ready»)", "writer.i_ticket.ready & tickets.r_level[1]", "record",
          {"FRAMES": "2"}),
    Fault("metadata", "of equal neighbours the later one is the peak", "metadata/peak_finder.py",
          "strict.eq(«step >= len(NEIGHBOURS) // 2 + 3»)", "step < len(NEIGHBOURS) // 2 + 3", "tb/metadata",
          tests="tb/metadata"),
    Fault("metadata", "equal values are in the wrong order in the top list", "metadata/top_list.py",
          "(«fresh.value > entries[k].value»)", "fresh.value >= entries[k].value", "tb/metadata",
          tests="tb/metadata"),
    Fault("link", "the two low bits of a pixel are swapped", "link/image_packer.py",
          "packed.low[k].eq(«pixel[:2]»)", "pixel[:2].rotate_left(1)", "bytes"),
    Fault("link", "packets are not counted", "link/packet_framer.py",
          "sequence.eq(«sequence + 1»)", "sequence", "bytes"),
    Fault("link", "the packet counter wraps a bit early", "link/packet_framer.py",
          "header.sequence.eq(«sequence»)", "sequence[:-1]", "bytes"),
    Fault("link", "the checksum goes on from packet to packet", "sealer.py",
          "checksum.start.eq(«leaves & sealing»)", "0", "bytes"),
    Fault("link", "a stall is missed: a word is taken over one that still waits", "sealer.py",
          "self.i.ready.eq(«~full | (self.o.ready & ~word.last)»)", "~full | ~word.last", "tb/link", tests="tb/link"),
    Fault("privacy-gate", "the gate stands open in metadata mode", "link/privacy_gate.py",
          "is_open.eq(«(self.i_mode == Mode.IMAGE) | (self.i_mode == Mode.IMAGE_AND_METADATA)»)",
          "1", "bytes", {"MODE": "metadata"}),
    Fault("control", "gamma entries are written off by one", "control/control.py",
          "self.o_gamma.payload.index.eq(«entry.index»)", "entry.index + 1", "rgb"),
    Fault("control", "a count is taken before it is there: it is that asked for before", "control/control.py",
          "counted.eq(«self.i_count»)", "counted", "tb/control", tests="tb/control"),
    Fault("control", "a word of a network is lost where the loader is not ready", "control/control.py",
          "(«self.o_load.valid & ~self.o_load.ready»)", "self.o_load.valid & ~self.o_load.valid", "tb/control",
          tests="tb/control"),
)  # fmt: skip
