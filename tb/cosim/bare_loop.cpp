// The fastest way to drive a Pipeline: the yardstick of the burst. Prints the nanoseconds of processor
// time a clock of its best round.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <vector>

#include "Vtop.h"
#include "verilated.h"

int main(int, char** argv) {
    VerilatedContext context;
    Vtop top(&context, "");
    const size_t n = std::strtoull(argv[1], nullptr, 10);
    std::vector<uint64_t> in(n), out(n);
    uint64_t state = 1;
    for (uint64_t& word : in) word = (state = state * 6364136223846793005ULL + 1442695040888963407ULL) >> 24;
    double best = 1e9;
    for (int round = 0; round < 5; ++round) {
        top.rst = 1;
        for (int clock = 0; clock < 2; ++clock) {
            top.clk = top.drive = 0;
            top.eval();
            top.clk = 1;
            top.eval();
            top.rst = 0;
        }
        top.clk = 0;
        top.drive = top.i___05Fvalid = top.o___05Fready = 1;
        top.i___05Fpayload = in[0];
        top.eval();
        size_t sent = 0, taken = 0;
        const std::clock_t begin = std::clock();
        while (taken < n) {
            const bool fired = top.i___05Fvalid && top.i___05Fready;
            if (top.o___05Fvalid) out[taken++] = top.o___05Fpayload;
            top.clk = 1;
            top.drive = 0;
            top.eval();
            if (fired) {
                top.i___05Fvalid = ++sent < n;
                if (sent < n) top.i___05Fpayload = in[sent];
            }
            top.clk = 0;
            top.drive = 1;
            top.eval();
        }
        best = std::min(best, static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC);
    }
    std::printf("%.1f\n", best * 1e9 / n);
}
