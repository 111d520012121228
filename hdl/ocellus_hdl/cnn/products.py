"""The multipliers and which operands each of them gets."""

from amaranth.hdl import Module, Mux, signed
from amaranth.lib import data, wiring
from amaranth.lib.wiring import In, Out

from ocellus.configurations import PIXELS, Configuration

from .multiplier import Multiplier
from .operands import SPREADS, TapChoice, points, seen, spread_bits
from .pair import PairMultiplier
from .windows import taps


def place_of(c: Configuration, n: int) -> int:
    """The number, among all windows' channels, of the channel that the multipliers of weight n take in windows.

    Two weights of neighbouring inputs have one. It is one of the channels that a convolution's pieces bring to these
    inputs, so that a multiplier takes bytes of few channels, whatever it works on.
    """
    output, i = divmod(n, c.inputs)
    return n // 2 if c.outputs % 2 else output // 2 * c.inputs + i // 2 * 2 + output % 2


def window_of(c: Configuration, pixel: int, n: int) -> tuple[int, int, int]:
    """The tap, window and channel of the product that in a convolution is that of ``pixel`` and weight n.

    Products that a convolution adds first, 2h and 2h + 1, are those of two neighbouring taps: their adder serves both.
    """
    if pixel == PIXELS - 1:
        if c.windows % 2:
            return pixel, *divmod(n, c.word)
        output, i = divmod(n, c.inputs)
        pair, g = divmod(output // 2 * c.inputs + i, c.word)
        return pixel, 2 * pair + output % 2, g
    tap = pixel - pixel % 2 + n % 2
    if c.windows % 2:
        return tap, *divmod(pixel % 2 * c.lanes // 2 + place_of(c, n), c.word)
    pair, g = divmod(place_of(c, n), c.word)
    return tap, 2 * pair + pixel % 2, g


class Products(wiring.Component):
    """``9 * inputs * outputs`` products a clock, :meth:`latency` clocks.

    With ``packed``, a multiplier makes two products that share a factor. Convolution: pixels 2k and 2k + 1 share their
    weight, outputs 2q and 2q + 1 share the ninth pixel. Windows 2k and 2k + 1 share the weight of their tap.

    Parameters
    ----------
    c : Configuration
        With ``packed``, ``windows`` and ``outputs`` are even.

    Attributes
    ----------
    i_point : points, in
    i_window : seen, in
    i_spread : array of unsigned(spread_bits), in
        0: convolution; else distance of neighbouring windows in slots. All the same.
    i_weights : array of bytes [output*inputs + input], in
    i_taps : taps, in
    o : array of products [pixel][output*inputs + input], out
        Or of those that :func:`window_of` names.
    """

    def __init__(self, c: Configuration):
        self._c = c
        super().__init__(
            {
                "i_point": In(points(c)),
                "i_window": In(seen(c)),
                "i_spread": In(data.ArrayLayout(spread_bits(c), SPREADS)),
                "i_weights": In(data.ArrayLayout(signed(8), c.lanes)),
                "i_taps": In(taps(c)),
                "o": Out(data.ArrayLayout(data.ArrayLayout(signed(16), c.lanes), PIXELS)),
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
        choices = [TapChoice(m, platform, c, self.i_window, self.i_spread[k]) for k in range(SPREADS)]
        (self._pairs if c.packed else self._singles)(m, choices)
        return m

    def _pairs(self, m: Module, choices: list[TapChoice]) -> None:
        c = self._c
        for k in range(PIXELS // 2):
            for n in range(c.lanes):
                i, point = n % c.inputs, self.i_point
                chosen = choices[4 * k + i * 2 // c.inputs * 2 + n * 2 // c.lanes]
                tap, window, g = window_of(c, 2 * k, n)
                m.submodules[f"pair_{k}_{n}"] = pair = PairMultiplier()
                m.d.comb += [
                    pair.i_v.eq(Mux(chosen.is_window, self.i_taps[tap][g], self.i_weights[n])),
                    pair.i_0.eq(chosen(tap, window, g, point[2 * k][i], f"low_{k}_{n}")),
                    pair.i_1.eq(chosen(tap, window + 1, g, point[2 * k + 1][i], f"high_{k}_{n}")),
                    self.o[2 * k][n].eq(pair.o_0),
                    self.o[2 * k + 1][n].eq(pair.o_1),
                ]
        ninth = PIXELS - 1
        for n in range(c.lanes):
            output, i = divmod(n, c.inputs)
            if output % 2:
                continue
            point = self.i_point
            chosen = choices[2 * ninth + i * 2 // c.inputs]
            tap, window, g = window_of(c, ninth, n)
            m.submodules[f"pair_{ninth}_{n}"] = pair = PairMultiplier()
            m.d.comb += [
                pair.i_v.eq(Mux(chosen.is_window, self.i_taps[tap][g], point[ninth][i])),
                pair.i_0.eq(chosen(tap, window, g, self.i_weights[n], f"low_{ninth}_{n}")),
                pair.i_1.eq(chosen(tap, window + 1, g, self.i_weights[n + c.inputs], f"high_{ninth}_{n}")),
                self.o[ninth][n].eq(pair.o_0),
                self.o[ninth][n + c.inputs].eq(pair.o_1),
            ]

    def _singles(self, m: Module, choices: list[TapChoice]) -> None:
        c = self._c
        for pixel in range(PIXELS):
            for n in range(c.lanes):
                chosen = choices[2 * pixel + n * 2 // c.lanes]
                tap, window, g = window_of(c, pixel, n)
                point = self.i_point
                m.submodules[f"product_{pixel}_{n}"] = product = Multiplier(signed(8), signed(8))
                m.d.comb += [
                    product.i_a.eq(chosen(tap, window, g, point[pixel][n % c.inputs], f"chosen_{pixel}_{n}")),
                    product.i_b.eq(Mux(chosen.is_window, self.i_taps[tap][g], self.i_weights[n])),
                    self.o[pixel][n].eq(product.o),
                ]
