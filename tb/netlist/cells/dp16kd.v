// The ECP5's block RAM, 18 kbit behind two ports, after Lattice FPGA-TN-02204 (ECP5 and ECP5-5G memory usage guide).
// Rows of two 18-bit halves: where the pins of 36 bits lie is as Yosys's brams_map_16kd.v and nextpnr's ecp5/pack.cc
// (for PDPW16KD) place them. A word of nine bits or less lies in its byte's lowest bits.
//
// What a port reads in bits that the other one writes in the same clock, the guide leaves open. Here they come out
// turned over: a design that relied on the old bits, or on the new ones, would fail. That both ports write the same
// bits, and that a port is clocked by another clock than the other, is not modelled.

module DP16KD #(
  parameter [319:0] INITVAL_00 = 0, INITVAL_01 = 0, INITVAL_02 = 0, INITVAL_03 = 0, INITVAL_04 = 0, INITVAL_05 = 0,
    INITVAL_06 = 0, INITVAL_07 = 0,
  parameter [319:0] INITVAL_08 = 0, INITVAL_09 = 0, INITVAL_0A = 0, INITVAL_0B = 0, INITVAL_0C = 0, INITVAL_0D = 0,
    INITVAL_0E = 0, INITVAL_0F = 0,
  parameter [319:0] INITVAL_10 = 0, INITVAL_11 = 0, INITVAL_12 = 0, INITVAL_13 = 0, INITVAL_14 = 0, INITVAL_15 = 0,
    INITVAL_16 = 0, INITVAL_17 = 0,
  parameter [319:0] INITVAL_18 = 0, INITVAL_19 = 0, INITVAL_1A = 0, INITVAL_1B = 0, INITVAL_1C = 0, INITVAL_1D = 0,
    INITVAL_1E = 0, INITVAL_1F = 0,
  parameter [319:0] INITVAL_20 = 0, INITVAL_21 = 0, INITVAL_22 = 0, INITVAL_23 = 0, INITVAL_24 = 0, INITVAL_25 = 0,
    INITVAL_26 = 0, INITVAL_27 = 0,
  parameter [319:0] INITVAL_28 = 0, INITVAL_29 = 0, INITVAL_2A = 0, INITVAL_2B = 0, INITVAL_2C = 0, INITVAL_2D = 0,
    INITVAL_2E = 0, INITVAL_2F = 0,
  parameter [319:0] INITVAL_30 = 0, INITVAL_31 = 0, INITVAL_32 = 0, INITVAL_33 = 0, INITVAL_34 = 0, INITVAL_35 = 0,
    INITVAL_36 = 0, INITVAL_37 = 0,
  parameter [319:0] INITVAL_38 = 0, INITVAL_39 = 0, INITVAL_3A = 0, INITVAL_3B = 0, INITVAL_3C = 0, INITVAL_3D = 0,
    INITVAL_3E = 0, INITVAL_3F = 0,
  parameter DATA_WIDTH_A = 18, DATA_WIDTH_B = 18,
  parameter REGMODE_A = "NOREG", REGMODE_B = "NOREG", RESETMODE = "SYNC", ASYNC_RESET_RELEASE = "SYNC",
  parameter [39:0] CSDECODE_A = "0b000", CSDECODE_B = "0b000",
  parameter CLKAMUX = "CLKA", CLKBMUX = "CLKB",
  parameter WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL",
  parameter GSR = "ENABLED"
) (
  input DIA0, DIA1, DIA2, DIA3, DIA4, DIA5, DIA6, DIA7, DIA8, DIA9, DIA10, DIA11, DIA12, DIA13, DIA14, DIA15, DIA16,
    DIA17,
  input ADA0, ADA1, ADA2, ADA3, ADA4, ADA5, ADA6, ADA7, ADA8, ADA9, ADA10, ADA11, ADA12, ADA13,
  input CEA, OCEA, CLKA, WEA, RSTA, CSA0, CSA1, CSA2,
  output DOA0, DOA1, DOA2, DOA3, DOA4, DOA5, DOA6, DOA7, DOA8, DOA9, DOA10, DOA11, DOA12, DOA13, DOA14, DOA15,
    DOA16, DOA17,
  input DIB0, DIB1, DIB2, DIB3, DIB4, DIB5, DIB6, DIB7, DIB8, DIB9, DIB10, DIB11, DIB12, DIB13, DIB14, DIB15, DIB16,
    DIB17,
  input ADB0, ADB1, ADB2, ADB3, ADB4, ADB5, ADB6, ADB7, ADB8, ADB9, ADB10, ADB11, ADB12, ADB13,
  input CEB, OCEB, CLKB, WEB, RSTB, CSB0, CSB1, CSB2,
  output DOB0, DOB1, DOB2, DOB3, DOB4, DOB5, DOB6, DOB7, DOB8, DOB9, DOB10, DOB11, DOB12, DOB13, DOB14, DOB15,
    DOB16, DOB17
);
  localparam [20479:0] INIT = {INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39,
    INITVAL_38,
    INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30,
    INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C, INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28,
    INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24, INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20,
    INITVAL_1F, INITVAL_1E, INITVAL_1D, INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18,
    INITVAL_17, INITVAL_16, INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10,
    INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
    INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01, INITVAL_00};
  // Text whose last three letters are the bits: an ASCII digit ends with its bit.
  localparam [2:0] SELECT_A = {CSDECODE_A[16], CSDECODE_A[8], CSDECODE_A[0]};
  localparam [2:0] SELECT_B = {CSDECODE_B[16], CSDECODE_B[8], CSDECODE_B[0]};
  localparam WIDE = DATA_WIDTH_A == 36;
  generate
    if (DATA_WIDTH_B == 36 && !WIDE) $error("DP16KD: found 36 bits at port B alone, allowed at both, or at A");
  endgenerate

  reg [35:0] rows[0:511];
  // Each half of a row begins with a word of INITVAL_xx: 18 of 20 bits.
  initial for (int n = 0; n < 512; n = n + 1) rows[n] = {INIT[40*n+20 +: 18], INIT[40*n +: 18]};

  wire [13:0] ada = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
  wire [13:0] adb = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};
  wire [17:0] dia = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4,
    DIA3, DIA2, DIA1, DIA0};
  wire [17:0] dib = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4,
    DIB3, DIB2, DIB1, DIB0};
  wire clka = CLKAMUX == "INV" ? ~CLKA : CLKA;
  wire clkb = CLKBMUX == "INV" ? ~CLKB : CLKB;
  wire on_a = CEA & ({CSA2, CSA1, CSA0} == SELECT_A), on_b = CEB & ({CSB2, CSB1, CSB0} == SELECT_B);
  wire writes_a = on_a & WEA & ~RSTA, writes_b = on_b & WEB & ~RSTB;

  // The word's lowest bit in its row; what an address has below the word counts for nothing.
  function automatic [5:0] place(input integer width, input [4:0] at);
    place = (width <= 18 && at[4] ? 18 : 0) + (width <= 9 && at[3] ? 9 : 0) + (width <= 4 && at[2] ? 4 : 0)
            + (width <= 2 && at[1] ? 2 : 0) + (width == 1 && at[0] ? 1 : 0);
  endfunction
  function automatic [35:0] all_of(input integer width);
    all_of = width == 36 ? 36'hFFFFFFFFF : (36'd1 << width) - 1;
  endfunction
  // The bits that a port writes: the lowest address bits of wide words enable bytes.
  function automatic [35:0] mask(input integer width, input [4:0] at);
    mask = width <= 9 ? all_of(width) << place(width, at)
         : width == 18 ? {18'd0, {9{at[1]}}, {9{at[0]}}} << place(width, at)
         : {{9{at[3]}}, {9{at[2]}}, {9{at[1]}}, {9{at[0]}}};
  endfunction

  wire [35:0] data_a = {WIDE ? dib : 18'd0, dia} << place(DATA_WIDTH_A, ada[4:0]);
  wire [35:0] data_b = {18'd0, dib} << place(DATA_WIDTH_B, adb[4:0]);
  wire [35:0] mask_a = writes_a ? mask(DATA_WIDTH_A, ada[4:0]) : 36'd0;
  wire [35:0] mask_b = writes_b ? mask(DATA_WIDTH_B, adb[4:0]) : 36'd0;
  wire same = ada[13:5] == adb[13:5];
  wire [35:0] row_a = rows[ada[13:5]] ^ (same ? mask_b : 36'd0);
  wire [35:0] row_b = rows[adb[13:5]] ^ (same ? mask_a : 36'd0);
  // Narrow words bit by bit, wide ones byte by byte: the other port may write beside them.
  generate
    if (DATA_WIDTH_A <= 9) begin
      always @(posedge clka) if (writes_a)
        rows[ada[13:5]][place(DATA_WIDTH_A, ada[4:0]) +: DATA_WIDTH_A] <= dia[DATA_WIDTH_A-1:0];
    end else for (genvar n = 0; n < 36; n = n + 9)
      always @(posedge clka) if (mask_a[n]) rows[ada[13:5]][n +: 9] <= data_a[n +: 9];
    if (DATA_WIDTH_B <= 9) begin
      always @(posedge clkb) if (writes_b)
        rows[adb[13:5]][place(DATA_WIDTH_B, adb[4:0]) +: DATA_WIDTH_B] <= dib[DATA_WIDTH_B-1:0];
    end else for (genvar n = 0; n < 36; n = n + 9)
      always @(posedge clkb) if (mask_b[n]) rows[adb[13:5]][n +: 9] <= data_b[n +: 9];
  endgenerate

  wire [35:0] old_a = (row_a >> place(DATA_WIDTH_A, ada[4:0])) & all_of(DATA_WIDTH_A);
  wire [35:0] old_b = (row_b >> place(DATA_WIDTH_B, adb[4:0])) & all_of(DATA_WIDTH_B);
  wire [35:0] new_a = ((row_a & ~mask_a | data_a & mask_a) >> place(DATA_WIDTH_A, ada[4:0])) & all_of(DATA_WIDTH_A);
  wire [35:0] new_b = ((row_b & ~mask_b | data_b & mask_b) >> place(DATA_WIDTH_B, adb[4:0])) & all_of(DATA_WIDTH_B);
  wire [35:0] a, b;
  DP16KD_output #(.REGMODE(REGMODE_A), .RESETMODE(RESETMODE), .WRITEMODE(WRITEMODE_A)) output_a
    (.clock(clka), .reset(RSTA), .on(on_a), .writes(writes_a), .passes(OCEA), .old(old_a), .written(new_a), .o(a));
  DP16KD_output #(.REGMODE(REGMODE_B), .RESETMODE(RESETMODE), .WRITEMODE(WRITEMODE_B)) output_b
    (.clock(clkb), .reset(RSTB), .on(on_b), .writes(writes_b), .passes(OCEB), .old(old_b), .written(new_b), .o(b));
  // Port A of a RAM that is written 36 bits at a time reads nothing; its pins show the lower half of B's.
  assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2,
    DOA1, DOA0} = WIDE ? b[17:0] : a[17:0];
  assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2,
    DOB1, DOB0} = DATA_WIDTH_B == 36 ? b[35:18] : b[17:0];
endmodule

// What a port shows: its latch, or the register behind it. In a clock in which it writes, a NORMAL one keeps what it
// had.
module DP16KD_output #(parameter REGMODE = "NOREG", RESETMODE = "SYNC", WRITEMODE = "NORMAL") (
  input clock, reset, on, writes, passes, input [35:0] old, written, output [35:0] o
);
  reg [35:0] latch = 0, register = 0;
  wire reads = on & (WRITEMODE != "NORMAL" | ~writes);
  generate
    if (RESETMODE == "ASYNC") begin
      always @(posedge clock, posedge reset)
        if (reset) {latch, register} <= 0;
        else begin
          if (reads) latch <= WRITEMODE == "WRITETHROUGH" ? written : old;
          if (passes) register <= latch;
        end
    end else begin
      always @(posedge clock)
        if (reset) {latch, register} <= 0;
        else begin
          if (reads) latch <= WRITEMODE == "WRITETHROUGH" ? written : old;
          if (passes) register <= latch;
        end
    end
  endgenerate
  assign o = REGMODE == "OUTREG" ? register : latch;
endmodule
