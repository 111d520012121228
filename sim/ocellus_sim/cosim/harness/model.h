// The model that main.cpp owns and burst.cpp drives: its ports as a table, its clock, its trace.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "Vtop.h"
#include "Vtop__Syms.h"
#include "verilated.h"

#if VM_TRACE
#include "verilated_vcd_c.h"
#endif

struct Port {
    const char* name;
    uint32_t width;  // bits
    bool input;
    uint8_t* data;  // Verilator's storage: 1, 2, 4 or 8 bytes, above that whole 32-bit words, low word first
    uint32_t bytes;
};

struct Model {
    VerilatedContext* context = nullptr;
    Vtop* top = nullptr;
    std::vector<Port> ports;
    uint8_t* drive = nullptr;  // as it rises the inputs reach the design
#if VM_TRACE
    VerilatedVcdC* vcd = nullptr;
#endif

    // Generated beside the build: finds all of these, and the regions (regions.h), in `top`.
    void connect();

    // A model without waves clocks at both edges (verilog.py): a clock goes up or down, and is evaluated once. One with
    // waves shows the clock as it is, and costs an evaluation more.
    static constexpr bool LOW_EDGES = VM_TRACE;

    static void edge(uint8_t* clock) { *clock = LOW_EDGES ? 1 : *clock ^ 1; }

    // One in so many is looked at. What a look itself takes is taken off; one during which somebody else had the
    // processor shows nothing and is passed over.
    static constexpr int LOOKED_AT = 8191;
    static constexpr int64_t INTERRUPTED_NS = 500000;
    int unlooked = LOOKED_AT;
    int64_t looks = 0, seen = 0, seen_ns = 0;
    const int64_t look_ns = quickest_look();

    static int64_t now() {
        return std::chrono::nanoseconds(std::chrono::steady_clock::now().time_since_epoch()).count();
    }

    static int64_t quickest_look() {
        int64_t least = INTERRUPTED_NS;
        for (int i = 0; i < 1000; ++i) {
            const int64_t begin = now();
            least = std::min(least, now() - begin);
        }
        return least;
    }

    void eval() {
        if (--unlooked) {
            top->eval();
            return;
        }
        unlooked = LOOKED_AT;
        ++looks;
        const int64_t begin = now();
        top->eval();
        const int64_t took = now() - begin;
        if (took > INTERRUPTED_NS) return;
        ++seen;
        seen_ns += std::max<int64_t>(took - look_ns, 0);
    }

    // What all evaluations have taken, about.
    int64_t evaluated_ns() const { return seen ? seen_ns * looks / seen * LOOKED_AT : 0; }

    // All that the model remembers, memories too: plain data, which may be copied and put back between evaluations.
    uint8_t* storage() { return reinterpret_cast<uint8_t*>(top->rootp->vlSymsp); }
    size_t bytes() const { return sizeof(Vtop__Syms); }

    // Writes what has settled, before the time moves on.
    void dump() {
#if VM_TRACE
        if (vcd->isOpen()) vcd->dump(context->time());
#endif
    }

    void wait(uint64_t ps) {
        dump();
        context->timeInc(ps);
    }
};

extern Model model;
