// The clock loop: Python calls ocellus_run once, millions of clocks pass here on the caller's arrays.
//
// At rest the inputs of the coming clock are driven and the outputs are settled. A clock is: look at the stop
// conditions, sample the handshakes, put down the next inputs, give the clock an edge. The registers between the inputs
// and the design (conversion.py) take the next inputs at that edge, like any other register: whatever hangs on them is
// worked out once a clock, together with all else.
#include <vector>

#include "model.h"
#include "regions.h"
#include "streams.h"

namespace {

struct Condition {
    int32_t kind;  // 0: a sink holds `count` beats, 1: a source is empty, 2: a port equals `words`
    int32_t index;
    uint64_t count;
    const uint8_t* words;
};

enum Reason { CYCLES = 0, REACHED = 1, IDLE = 2, FINISHED = 3, OVERFLOWED = 4 };

struct Bench {
    uint8_t no_clock = 0, no_reset = 0;
    uint8_t always = 1;
    uint8_t* clock = &no_clock;
    uint8_t* reset = &no_reset;
    uint64_t cycle = 0;
    uint64_t quiet = 0;  // clocks since the last handshake
    uint64_t half_low = 1, half_high = 1;
    std::vector<Source> sources;
    std::vector<Sink> sinks;
    std::vector<Watch> watches;
};

Bench bench;

uint8_t* data_of(int port) { return model.ports[port].data; }

uint32_t stride_of(int port) { return (model.ports[port].width + 63) / 64 * 8; }

bool holds(const Condition& c) {
    switch (c.kind) {
        case 0: return bench.sinks[c.index].count >= c.count;
        case 1: return bench.sources[c.index].empty();
        default: return std::memcmp(model.ports[c.index].data, c.words, model.ports[c.index].bytes) == 0;
    }
}

bool all_hold(const Condition* conditions, int n) {
    for (int i = 0; i < n; ++i)
        if (!holds(conditions[i])) return false;
    return n > 0;
}

void lower() {
    if (!Model::LOW_EDGES) return;
    *bench.clock = *model.drive = 0;
    model.eval();
}

// One clock.
void tick() {
    regions.raise();
    model.wait(bench.half_low);
    model.edge(bench.clock);
    model.edge(model.drive);
    regions.settle();
    model.wait(bench.half_high);
    lower();
}

// New inputs between two clocks.
void take_inputs() {
    model.edge(model.drive);
    regions.settle();
    lower();
}

}  // namespace

extern "C" {

int ocellus_ports() { return static_cast<int>(model.ports.size()); }
const char* ocellus_port_name(int port) { return model.ports[port].name; }
int ocellus_port_width(int port) { return static_cast<int>(model.ports[port].width); }
int ocellus_port_input(int port) { return model.ports[port].input; }

int ocellus_regions() { return static_cast<int>(regions.list.size()); }
const char* ocellus_region_name(int region) { return regions.list[region].name; }
uint64_t ocellus_region_rested(int region) { return regions.rested(region); }

// Forgets every stream and watch of an earlier test; ports are -1 where the top has none.
void ocellus_open(int clock, int reset, uint64_t period) {
    bench = Bench{};
    bench.clock = clock < 0 ? &bench.no_clock : data_of(clock);
    bench.reset = reset < 0 ? &bench.no_reset : data_of(reset);
    bench.half_low = period / 2;
    bench.half_high = period - period / 2;
    *bench.clock = 0;
    *bench.reset = 0;
    regions.open();
}

void ocellus_eval() { take_inputs(); }

void ocellus_set(int port, const uint64_t* words) {
    std::memcpy(data_of(port), words, model.ports[port].bytes);
}

void ocellus_get(int port, uint64_t* words) {
    std::memcpy(words, data_of(port), model.ports[port].bytes);
}

int ocellus_source(int valid, int ready, int payload, uint64_t threshold, uint64_t seed) {
    Source s{};
    s.valid = data_of(valid);
    s.ready = ready < 0 ? &bench.always : data_of(ready);
    s.payload = data_of(payload);
    s.bytes = model.ports[payload].bytes;
    s.stride = stride_of(payload);
    s.stall = {threshold, seed};
    bench.sources.push_back(s);
    return static_cast<int>(bench.sources.size()) - 1;
}

void ocellus_send(int source, const uint8_t* words, uint64_t beats) {
    Source& s = bench.sources[source];
    s.queue.push_back({words, words + beats * s.stride});
}

uint64_t ocellus_sent(int source) { return bench.sources[source].sent; }

int ocellus_sink(int valid, int ready, int payload, uint64_t threshold, uint64_t seed) {
    Sink s{};
    s.tap = ready < 0;
    s.valid = valid < 0 ? &bench.always : data_of(valid);
    s.ready = s.tap ? &bench.always : data_of(ready);
    s.payload = data_of(payload);
    s.bytes = model.ports[payload].bytes;
    s.stride = stride_of(payload);
    s.stall = {threshold, seed};
    bench.sinks.push_back(s);
    return static_cast<int>(bench.sinks.size()) - 1;
}

void ocellus_sink_buffer(int sink, uint8_t* buffer, uint64_t* stamps, uint64_t capacity) {
    Sink& s = bench.sinks[sink];
    s.buffer = buffer;
    s.stamps = stamps;
    s.capacity = capacity;
    s.count = 0;
}

uint64_t ocellus_sink_count(int sink) { return bench.sinks[sink].count; }

int ocellus_watch(int port) {
    Watch w{};
    w.data = data_of(port);
    w.bytes = model.ports[port].bytes;
    w.words = stride_of(port) / 8;
    w.last.resize(w.bytes);
    bench.watches.push_back(w);
    return static_cast<int>(bench.watches.size()) - 1;
}

uint64_t ocellus_watch_count(int watch) {
    const Watch& w = bench.watches[watch];
    return w.rows.size() / (1 + w.words);
}

const uint64_t* ocellus_watch_rows(int watch) { return bench.watches[watch].rows.data(); }

uint64_t ocellus_cycle() { return bench.cycle; }

// Processor time that the design itself has taken since the process began, about: the rest of a burst is the harness.
uint64_t ocellus_model_ns() { return model.evaluated_ns(); }

// One clock with reset high, and one in which the register behind it resets the design (verilog.py), with every stream
// silent; offered beats are offered again afterwards.
void ocellus_reset() {
    for (Source& s : bench.sources) {
        s.holding = s.stalled = false;
        *s.valid = 0;
    }
    for (Sink& s : bench.sinks)
        if (!s.tap) *s.ready = 0;
    *bench.reset = 1;
    take_inputs();
    regions.wake();
    tick();
    *bench.reset = 0;
    tick();
    bench.cycle = 0;
    bench.quiet = 0;
}

void ocellus_burst() { bench.quiet = 0; }

int ocellus_run(uint64_t cycles, uint64_t idle, const Condition* conditions, int n_conditions) {
    for (Source& s : bench.sources) s.drive();
    for (Sink& s : bench.sinks) s.drive();
    take_inputs();
    for (uint64_t end = bench.cycle + cycles;;) {
        if (model.context->gotFinish()) return FINISHED;
        if (all_hold(conditions, n_conditions)) return REACHED;
        if (bench.quiet >= idle) return IDLE;
        if (bench.cycle == end) return CYCLES;
        bool moved = false;
        for (Watch& w : bench.watches) w.sample(bench.cycle);
        for (Source& s : bench.sources) moved |= s.sample();
        for (Sink& s : bench.sinks) {
            moved |= s.sample(bench.cycle);
            if (s.overflow) return OVERFLOWED;
        }
        bench.quiet = moved ? 0 : bench.quiet + 1;
        regions.decide();
        for (Source& s : bench.sources) s.step();
        for (Sink& s : bench.sinks) s.step();
        tick();
        ++bench.cycle;
    }
}

// 0: started; -1: this build has no tracing; -2: the file cannot be written.
int ocellus_trace(const char* path) {
#if VM_TRACE
    if (model.vcd->isOpen()) model.vcd->close();
    model.vcd->open(path);
    return model.vcd->isOpen() ? 0 : -2;
#else
    (void)path;
    return -1;
#endif
}

void ocellus_trace_stop() {
#if VM_TRACE
    if (!model.vcd->isOpen()) return;
    model.dump();
    model.vcd->close();
#endif
}

}  // extern "C"
