// The model that main.cpp owns and burst.cpp drives: its ports as a table, its regions, its clock, its trace.
#pragma once

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

struct Region;

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
    std::vector<Region> regions;
    uint8_t* drive = nullptr;  // as it rises the inputs reach the design
#if VM_TRACE
    VerilatedVcdC* vcd = nullptr;
#endif

    // Generated beside the build: finds all of these in `top`.
    void connect();

    // One in so many is looked at by the clock, an odd number: rising and falling edges in turn.
    static constexpr int LOOKED_AT = 1023;
    int unlooked = LOOKED_AT;
    uint64_t seen_ns = 0;

    void eval() {
        if (--unlooked) {
            top->eval();
            return;
        }
        unlooked = LOOKED_AT;
        const auto begin = std::chrono::steady_clock::now();
        top->eval();
        seen_ns += std::chrono::nanoseconds(std::chrono::steady_clock::now() - begin).count();
    }

    // New inputs between two clocks.
    void take_inputs() {
        *drive = 0;
        eval();
        *drive = 1;
        eval();
    }

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
