// The model that main.cpp owns and burst.cpp drives: its ports as a table, its clock, its trace.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "Vtop.h"
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
#if VM_TRACE
    VerilatedVcdC* vcd = nullptr;
#endif

    void eval() { top->eval(); }

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

// Generated beside the build: one line a port of the top.
void list_ports(Vtop& top, std::vector<Port>& ports);
