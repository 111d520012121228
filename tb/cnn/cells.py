"""The ECP5's multiplier cell as Lattice describes it, in the place of an instance: what is built, simulated."""

from typing import Any

from amaranth.hdl import Cat, Elaboratable, Module, Signal, Value, signed

WIDTH = 18


class Mult18x18d(Elaboratable):
    """MULT18X18D after FPGA-TN-02205, as far as the design uses it; takes what ``Instance`` takes.

    Each operand counts as signed where its SIGNED pin says so; the pin goes through a register with its operand. The
    product has 36 bits. A row of registers is there where its ``REG_x_CLK`` names a clock, and with
    ``CLK0``, ``CE0`` and ``RST0`` at their defaults it runs on the ``sync`` clock of the simulation.
    """

    def __init__(self, kind: str, *arguments: tuple[str, str, Any]):
        assert kind == "MULT18X18D"
        self.parameters: dict[str, Any] = {}
        self.inputs: dict[str, Value] = {}
        self.outputs: dict[str, Value] = {}
        for sort, name, value in arguments:
            place = {"p": self.parameters, "i": self.inputs, "o": self.outputs}[sort]
            assert name not in place, f"{name} is given twice"
            place[name] = value
        rows = {f"REG_{row}_CLK" for row in ("INPUTA", "INPUTB", "PIPELINE", "OUTPUT")}
        assert set(self.parameters) <= rows | {"GSR"}
        assert all(self.parameters[row] == "CLK0" for row in rows & set(self.parameters))
        assert repr(self.inputs["CLK0"]) == "(clk sync)"
        assert repr(self.inputs["CE0"]) == "(const 1'd1)"
        assert repr(self.inputs["RST0"]) == "(const 1'd0)"
        pins = {f"{letter}{n}" for letter in "AB" for n in range(WIDTH)}
        pins |= {"CLK0", "CE0", "RST0", "SIGNEDA", "SIGNEDB", "SOURCEA", "SOURCEB"}
        assert set(self.inputs) == pins
        assert repr(self.inputs["SOURCEA"]) == repr(self.inputs["SOURCEB"]) == "(const 1'd0)"
        assert set(self.outputs) == {f"P{n}" for n in range(2 * WIDTH)}

    def elaborate(self, platform: object) -> Module:
        """Operands, product, output."""
        m = Module()

        def row(name: str, value: Value) -> Value:
            if f"REG_{name}_CLK" not in self.parameters:
                return value
            kept = Signal.like(value, name=name)
            m.d.sync += kept.eq(value)
            return kept

        operands = []
        for letter in "AB":
            number = Cat(self.inputs[f"{letter}{n}"] for n in range(WIDTH))
            sign = self.inputs[f"SIGNED{letter}"] & number[-1]
            operands.append(row(f"INPUT{letter}", Cat(number, sign).as_signed()))
        product = Signal(signed(2 * WIDTH))
        m.d.comb += product.eq(operands[0] * operands[1])
        result = row("OUTPUT", row("PIPELINE", product))
        m.d.comb += Cat(self.outputs[f"P{n}"] for n in range(2 * WIDTH)).eq(result)
        return m
