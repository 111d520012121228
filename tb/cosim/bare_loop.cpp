// The fastest way to drive a design: the yardstick of the burst. A loop as one writes it by hand for one input stream
// INPUT, one output stream OUTPUT and, where CONTROL is defined, a stream of register writes; nothing but the model, two
// arrays and this loop. Prints the nanoseconds of processor time a clock.
//
// usage: bare CLOCKS INPUT.bin [CONTROL.bin]: payloads as 64-bit words
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iterator>
#include <vector>

#include "Vtop.h"
#include "verilated.h"

#define JOIN(stream, part) stream##___05F##part
#define PORT(stream, part) JOIN(stream, part)

static std::vector<uint64_t> words(const char* path) {
    std::ifstream file(path, std::ios::binary);
    const std::vector<char> bytes{std::istreambuf_iterator<char>(file), {}};
    std::vector<uint64_t> found(bytes.size() / 8);
    std::memcpy(found.data(), bytes.data(), found.size() * 8);
    return found;
}

int main(int, char** argv) {
    VerilatedContext context;
    Vtop top(&context, "");
    const size_t clocks = std::strtoull(argv[1], nullptr, 10);
    const std::vector<uint64_t> in = words(argv[2]);
    constexpr size_t bytes = sizeof(top.PORT(OUTPUT, payload)), stride = (bytes + 7) / 8 * 8;
    std::vector<uint8_t> out(clocks * stride);
#ifdef CONTROL
    const std::vector<uint64_t> control = words(argv[3]);
    size_t written = 0;
#endif
    top.rst = 1;
    top.clk = top.drive = 0;
    top.eval();
    for (int clock = 0; clock < 2; ++clock) {  // both edges are clocks
        top.clk = top.drive = !top.clk;
        top.eval();
        top.rst = 0;
    }
    top.PORT(INPUT, valid) = top.PORT(OUTPUT, ready) = 1;
    top.PORT(INPUT, payload) = in[0];
#ifdef CONTROL
    top.PORT(CONTROL, valid) = 1;
    top.PORT(CONTROL, payload) = control[0];
#endif
    top.drive = !top.drive;
    top.eval();
    size_t sent = 0, taken = 0;
    const std::clock_t begin = std::clock();
    for (size_t clock = 0; clock < clocks; ++clock) {
        if (top.PORT(OUTPUT, valid)) std::memcpy(&out[taken++ * stride], &top.PORT(OUTPUT, payload), bytes);
        if (top.PORT(INPUT, valid) && top.PORT(INPUT, ready)) {
            top.PORT(INPUT, valid) = ++sent < in.size();
            if (sent < in.size()) top.PORT(INPUT, payload) = in[sent];
        }
#ifdef CONTROL
        if (top.PORT(CONTROL, valid) && top.PORT(CONTROL, ready)) {
            top.PORT(CONTROL, valid) = ++written < control.size();
            if (written < control.size()) top.PORT(CONTROL, payload) = control[written];
        }
#endif
        top.clk = !top.clk;
        top.drive = !top.drive;
        top.eval();
    }
    const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    std::printf("%.2f %zu\n", seconds * 1e9 / clocks, taken);
}
