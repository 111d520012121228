// The ECP5's slices: gates, carry, flip-flops, and gates used as memory. Two states, no delays.
// After Lattice FPGA-DS-02012 (ECP5 and ECP5-5G family data sheet), 2.4, and Yosys's cells_sim_ecp5.v, which the tests
// hold these against. A parameter or a pin that is not declared here stops the build.

module LUT4 #(parameter [15:0] INIT = 0) (input A, B, C, D, output Z);
  assign Z = INIT[{D, C, B, A}];
endmodule

module PFUMX (input ALUT, BLUT, C0, output Z);
  assign Z = C0 ? ALUT : BLUT;
endmodule

module L6MUX21 (input D0, D1, SD, output Z);
  assign Z = SD ? D1 : D0;
endmodule

// Two bits of a sum. A gate says by all its inputs whether the carry passes, or else by A and B what carry it makes.
module CCU2C #(
  parameter [15:0] INIT0 = 0, INIT1 = 0,
  parameter INJECT1_0 = "YES", INJECT1_1 = "YES"
) (input CIN, A0, B0, C0, D0, A1, B1, C1, D1, output S0, S1, COUT);
  localparam TAKES_0 = INJECT1_0 != "YES", TAKES_1 = INJECT1_1 != "YES";
  wire passes_0 = INIT0[{D0, C0, B0, A0}], makes_0 = INIT0[{2'b00, B0, A0}] & TAKES_0;
  wire passes_1 = INIT1[{D1, C1, B1, A1}], makes_1 = INIT1[{2'b00, B1, A1}] & TAKES_1;
  wire between = passes_0 ? CIN : makes_0;
  assign S0 = passes_0 ^ (CIN & TAKES_0);
  assign S1 = passes_1 ^ (between & TAKES_1);
  assign COUT = passes_1 ? between : makes_1;
endmodule

// GSR, the reset that reaches every flip-flop, is never pulled in these designs: no netlist has a cell that could.
module TRELLIS_FF #(
  parameter GSR = "ENABLED", CEMUX = "1", CLKMUX = "CLK", LSRMUX = "LSR", SRMODE = "LSR_OVER_CE", REGSET = "RESET"
) (input CLK, LSR, CE, DI, output reg Q);
  localparam SET = REGSET == "SET";
  wire takes, resets = LSRMUX == "INV" ? ~LSR : LSR;
  initial Q = SET;
  generate
    if (CEMUX == "1") assign takes = 1;
    else if (CEMUX == "0") assign takes = 0;
    else if (CEMUX == "INV") assign takes = ~CE;
    else assign takes = CE;

    if (SRMODE == "ASYNC") begin
      wire clock = CLKMUX == "INV" ? ~CLK : CLK;
      always @(posedge clock, posedge resets)
        if (resets) Q <= SET;
        else if (takes) Q <= DI;
    end else if (CLKMUX == "INV") begin
      always @(negedge CLK)
        if (resets) Q <= SET;
        else if (takes) Q <= DI;
    end else begin
      always @(posedge CLK)
        if (resets) Q <= SET;
        else if (takes) Q <= DI;
    end
  endgenerate
endmodule

// Sixteen words of four bits, written with the clock, read at once.
module TRELLIS_DPR16X4 #(
  parameter WCKMUX = "WCK", WREMUX = "WRE",
  parameter [63:0] INITVAL = 0
) (input [3:0] DI, WAD, RAD, input WRE, WCK, output [3:0] DO);
  reg [3:0] words[0:15];
  initial for (int n = 0; n < 16; n = n + 1) words[n] = INITVAL[4*n +: 4];
  wire clock = WCKMUX == "INV" ? ~WCK : WCK;
  wire writes = WREMUX == "1" ? 1'b1 : WREMUX == "0" ? 1'b0 : WREMUX == "INV" ? ~WRE : WRE;
  always @(posedge clock) if (writes) words[WAD] <= DI;
  assign DO = words[RAD];
endmodule
