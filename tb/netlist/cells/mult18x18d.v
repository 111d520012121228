// The ECP5's multiplier of 18 by 18 bits, after Lattice FPGA-TN-02205 (ECP5 and ECP5-5G sysDSP usage guide).
// Rows of registers at the operands (with the pin that says whether one is signed), in the middle and at the product;
// each is there where its REG_x_CLK names a clock. CLK0, CE0 and RST0 are the only ones: others stop the build.

module MULT18X18D #(
  parameter REG_INPUTA_CLK = "NONE", REG_INPUTB_CLK = "NONE", REG_PIPELINE_CLK = "NONE", REG_OUTPUT_CLK = "NONE",
  parameter GSR = "ENABLED", RESETMODE = "SYNC"
) (
  input A0, A1, A2, A3, A4, A5, A6, A7, A8, A9, A10, A11, A12, A13, A14, A15, A16, A17,
  input B0, B1, B2, B3, B4, B5, B6, B7, B8, B9, B10, B11, B12, B13, B14, B15, B16, B17,
  input C0, C1, C2, C3, C4, C5, C6, C7, C8, C9, C10, C11, C12, C13, C14, C15, C16, C17,
  input SIGNEDA, SIGNEDB, SOURCEA, SOURCEB, CLK0, CE0, RST0,
  output P0, P1, P2, P3, P4, P5, P6, P7, P8, P9, P10, P11, P12, P13, P14, P15, P16, P17,
  output P18, P19, P20, P21, P22, P23, P24, P25, P26, P27, P28, P29, P30, P31, P32, P33, P34, P35
);
  wire [17:0] a = {A17, A16, A15, A14, A13, A12, A11, A10, A9, A8, A7, A6, A5, A4, A3, A2, A1, A0};
  wire [17:0] b = {B17, B16, B15, B14, B13, B12, B11, B10, B9, B8, B7, B6, B5, B4, B3, B2, B1, B0};
  wire signed [18:0] left, right;
  wire signed [35:0] product, result;

  MULT18X18D_row #(.CLK(REG_INPUTA_CLK), .WIDTH(19), .RESETMODE(RESETMODE)) inputa
    (.CLK0, .CE0, .RST0, .i({SIGNEDA & A17, a}), .o(left));
  MULT18X18D_row #(.CLK(REG_INPUTB_CLK), .WIDTH(19), .RESETMODE(RESETMODE)) inputb
    (.CLK0, .CE0, .RST0, .i({SIGNEDB & B17, b}), .o(right));
  MULT18X18D_row #(.CLK(REG_PIPELINE_CLK), .WIDTH(36), .RESETMODE(RESETMODE)) pipeline
    (.CLK0, .CE0, .RST0, .i(36'(left * right)), .o(product));
  MULT18X18D_row #(.CLK(REG_OUTPUT_CLK), .WIDTH(36), .RESETMODE(RESETMODE)) out
    (.CLK0, .CE0, .RST0, .i(product), .o(result));
  assign {P35, P34, P33, P32, P31, P30, P29, P28, P27, P26, P25, P24, P23, P22, P21, P20, P19, P18,
          P17, P16, P15, P14, P13, P12, P11, P10, P9, P8, P7, P6, P5, P4, P3, P2, P1, P0} = result;
endmodule

module MULT18X18D_row #(parameter CLK = "NONE", parameter WIDTH = 36, parameter RESETMODE = "SYNC") (
  input CLK0, CE0, RST0, input [WIDTH-1:0] i, output [WIDTH-1:0] o
);
  reg [WIDTH-1:0] kept = 0;
  generate
    if (CLK == "NONE") assign o = i;
    else if (CLK == "CLK0" && RESETMODE == "SYNC") begin
      always @(posedge CLK0)
        if (RST0) kept <= 0;
        else if (CE0) kept <= i;
      assign o = kept;
    end else $error("MULT18X18D: found clock %s, reset %s, allowed NONE or CLK0, SYNC", CLK, RESETMODE);
  endgenerate
endmodule
