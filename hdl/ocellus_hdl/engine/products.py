"""The multipliers and which operands each of them gets."""

from amaranth.hdl import Module, Mux, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ocellus.engine import PIXELS, Configuration

from ..cnn.multiplier import Multiplier
from ..cnn.pair import PairMultiplier
from .operands import WINDOW_TAPS, SpreadChoice
from .windows import taps
from .words import slots


class Products(wiring.Component):
    """``9 * inputs * outputs`` products a clock, :meth:`latency` clocks.

    With ``packed``, a multiplier makes two products that share a factor. Convolution: pixels 2k and 2k + 1 share their
    weight, outputs 2q and 2q + 1 share the ninth pixel. Windows: 2n and 2n + 1 share the weight of their tap.

    Parameters
    ----------
    c : Configuration
        With ``packed``, ``windows`` and ``outputs`` are even.

    Attributes
    ----------
    i_point : array of bytes [pixel][input], in
    i_window : slots, in
    i_spread : unsigned(2), in
        0: convolution; else distance of neighbouring windows in slots.
    i_weights : array of bytes [output*inputs + input], in
    i_taps : taps, in
    o_point : array of products [pixel][output*inputs + input], out
    o_window : array of products [tap][window][channel], out
        The same ones.
    """

    def __init__(self, c: Configuration):
        self._c = c
        product = signed(16)
        windows = data.ArrayLayout(data.ArrayLayout(product, c.word), c.windows)
        super().__init__(
            {
                "i_point": In(data.ArrayLayout(data.ArrayLayout(signed(8), c.inputs), PIXELS)),
                "i_window": In(slots(c)),
                "i_spread": In(2),
                "i_weights": In(data.ArrayLayout(signed(8), c.lanes)),
                "i_taps": In(taps(c)),
                "o_point": Out(data.ArrayLayout(data.ArrayLayout(product, c.lanes), PIXELS)),
                "o_window": Out(data.ArrayLayout(windows, WINDOW_TAPS)),
            }
        )

    @staticmethod
    def latency(c: Configuration) -> int:
        """Clocks from operands to products."""
        return PairMultiplier.LATENCY if c.packed else Multiplier.LATENCY

    def elaborate(self, platform: object) -> Module:
        """Each product is one of a convolution and one of a window."""
        m = Module()
        c = self._c
        chosen = SpreadChoice(m, platform, c, self.i_window, self.i_spread)
        (self._pairs if c.packed else self._singles)(m, chosen)
        return m

    def _pairs(self, m: Module, chosen: SpreadChoice) -> None:
        c = self._c
        is_window = self.i_spread.any()
        half = c.lanes // 2
        for k in range(PIXELS // 2):
            for n in range(c.lanes):
                i, tap, window, g = n % c.inputs, 2 * k + n // half, n % half // c.word * 2, n % c.word
                m.submodules[f"pair_{k}_{n}"] = pair = PairMultiplier()
                m.d.comb += [
                    pair.i_v.eq(Mux(is_window, self.i_taps[tap][g], self.i_weights[n])),
                    pair.i_0.eq(chosen(tap, window, g, self.i_point[2 * k][i], f"low_{k}_{n}")),
                    pair.i_1.eq(chosen(tap, window + 1, g, self.i_point[2 * k + 1][i], f"high_{k}_{n}")),
                    self.o_point[2 * k][n].eq(pair.o_0),
                    self.o_point[2 * k + 1][n].eq(pair.o_1),
                    self.o_window[tap][window][g].eq(pair.o_0),
                    self.o_window[tap][window + 1][g].eq(pair.o_1),
                ]
        pixel = tap = PIXELS - 1
        for n in range(half):
            q, i = divmod(n, c.inputs)
            low, high = 2 * q * c.inputs + i, (2 * q + 1) * c.inputs + i
            window, g = n // c.word * 2, n % c.word
            m.submodules[f"pair_{pixel}_{n}"] = pair = PairMultiplier()
            m.d.comb += [
                pair.i_v.eq(Mux(is_window, self.i_taps[tap][g], self.i_point[pixel][i])),
                pair.i_0.eq(chosen(tap, window, g, self.i_weights[low], f"low_{pixel}_{n}")),
                pair.i_1.eq(chosen(tap, window + 1, g, self.i_weights[high], f"high_{pixel}_{n}")),
                self.o_point[pixel][low].eq(pair.o_0),
                self.o_point[pixel][high].eq(pair.o_1),
                self.o_window[tap][window][g].eq(pair.o_0),
                self.o_window[tap][window + 1][g].eq(pair.o_1),
            ]

    def _singles(self, m: Module, chosen: SpreadChoice) -> None:
        c = self._c
        is_window = self.i_spread.any()
        for k in range(PIXELS):
            for n in range(c.lanes):
                window, g = divmod(n, c.word)
                m.submodules[f"product_{k}_{n}"] = product = Multiplier(signed(8), signed(8))
                m.d.comb += [
                    product.i_a.eq(chosen(k, window, g, self.i_point[k][n % c.inputs], f"chosen_{k}_{n}")),
                    product.i_b.eq(Mux(is_window, self.i_taps[k][g], self.i_weights[n])),
                    self.o_point[k][n].eq(product.o),
                    self.o_window[k][window][g].eq(product.o),
                ]
