// Puts every triple of int8 through a PairMultiplier, one a clock, and compares both products.
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include "Vtop.h"

int main(int, char** argv) {
    const long latency = std::atol(argv[1]), all = 1L << 24;
    Vtop top;
    top.rst = 0;
    for (long k = 0; k < all + latency; k++) {
        top.i_0 = k & 255;
        top.i_1 = k >> 8 & 255;
        top.i_v = k >> 16 & 255;
        top.clk = 0;
        top.eval();
        if (const long n = k - latency; n >= 0) {
            const int u0 = int8_t(n), u1 = int8_t(n >> 8), v = int8_t(n >> 16);
            const int got0 = int16_t(top.o_0), got1 = int16_t(top.o_1);
            if (got0 != v * u0 || got1 != v * u1) {
                std::printf("factors %d and %d, times %d: expected %d and %d, got %d and %d\n", u0, u1, v, v * u0,
                            v * u1, got0, got1);
                return 1;
            }
        }
        top.clk = 1;
        top.eval();
    }
    std::printf("%ld\n", all);
    return 0;
}
