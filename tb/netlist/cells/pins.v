// What stands at the chip's edge: pins, the PLL, and the gate of a clock's tree.

// TRELLIS_IO of each direction: a port of both ways that only reads, as the cell has it, is refused by Verilator, so
// Verilog is written with these names. A bench has no resistors, and nothing floats.
module TRELLIS_IO_INPUT #(parameter DIR = "INPUT") (input B, I, T, output O);
  assign O = B;
endmodule

module TRELLIS_IO_OUTPUT #(parameter DIR = "OUTPUT") (output B, O, input I, T);
  assign B = I;
endmodule

// No PLL: the bench's clock comes out as it goes in, at whatever rate that is, and the lock rises some clocks later.
// What the dividers make of a crystal is for tb/boards to see.
module EHXPLLL #(
  parameter CLKI_DIV = 1, CLKFB_DIV = 1, CLKOP_DIV = 8, CLKOP_CPHASE = 0, CLKOP_FPHASE = 0,
  parameter CLKOS_DIV = 8, CLKOS_CPHASE = 0, CLKOS_FPHASE = 0,
  parameter CLKOP_ENABLE = "ENABLED", CLKOS_ENABLE = "DISABLED", FEEDBK_PATH = "CLKOP"
) (
  input CLKI, CLKFB, RST, STDBY, PHASESEL0, PHASESEL1, PHASEDIR, PHASESTEP, PHASELOADREG, PLLWAKESYNC,
  input ENCLKOP, ENCLKOS,
  output CLKOP, CLKOS, LOCK
);
  localparam LOCK_CLOCKS = 20;
  reg [4:0] seen = 0;
  always @(posedge CLKI) if (!LOCK) seen <= seen + 1;
  assign CLKOP = CLKI;
  assign CLKOS = CLKOS_ENABLE == "ENABLED" ? CLKI : 1'b0;
  assign LOCK = seen == LOCK_CLOCKS;
endmodule

// Lattice FPGA-TN-02200, dynamic clock control: what enables the clock is looked at while it is low, so none is cut.
module DCCA (input CLKI, CE, output CLKO);
  reg passes = 0;
  always @(negedge CLKI) passes <= CE;
  assign CLKO = CLKI & passes;
endmodule
