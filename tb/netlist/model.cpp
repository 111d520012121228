// Any module `bench` with a clock `clk`, inputs `i` and outputs `o`, as a library: clock by clock, bits packed in bytes.

#include <cstddef>
#include <cstdint>
#include <cstring>

#include "Vbench.h"

// Verilator asks for the time where a design does.
double sc_time_stamp() { return 0; }

extern "C" {

Vbench *model_new() {
    Verilated::randReset(2);  // what no cell gives a value is noise, always the same
    Verilated::randSeed(1);
    auto *model = new Vbench;
    model->clk = 0;
    model->eval();
    return model;
}

void model_delete(Vbench *model) {
    model->final();
    delete model;
}

// `in` and `out` hold as many bytes a clock as the ports take. Outputs are those that the coming edge finds.
void model_run(Vbench *model, size_t clocks, const uint8_t *in, size_t in_bytes, uint8_t *out, size_t out_bytes) {
    for (size_t n = 0; n < clocks; n++) {
        memcpy(&model->i, in + n * in_bytes, in_bytes);
        model->clk = 0;
        model->eval();
        memcpy(out + n * out_bytes, &model->o, out_bytes);
        model->clk = 1;
        model->eval();
    }
}
}
