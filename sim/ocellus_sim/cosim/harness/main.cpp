// The simulator's process: starts cocotb on the model and serves its timers between bursts.
//
// Nothing here makes a clock. A cocotb callback may run a burst (burst.cpp), which moves the time on by itself, so a
// timer can be overdue when control returns: time never goes back, the timer fires at once.
#include <algorithm>
#include <cstdio>
#include <memory>

#ifdef __linux__
#include <csignal>
#include <sys/prctl.h>
#endif

#include "model.h"
#include "regions.h"
#if VM_COVERAGE
#include "verilated_cov.h"
#endif
#include "verilated_vpi.h"

extern "C" void vlog_startup_routines_bootstrap();  // cocotb's VPI library

Model model;
Regions regions;

namespace {

void value_changes() {
    while (VerilatedVpi::callValueCbs()) {
    }
}

// Evaluates until neither the design nor cocotb's writes change anything at this time.
void settle() {
    do {
        do {
            model.top->eval_step();
            VerilatedVpi::clearEvalNeeded();
            VerilatedVpi::doInertialPuts();
            value_changes();
        } while (VerilatedVpi::evalNeeded());
        VerilatedVpi::callCbs(cbReadWriteSynch);
        VerilatedVpi::doInertialPuts();
        value_changes();
    } while (VerilatedVpi::evalNeeded());
    model.top->eval_end_step();
    VerilatedVpi::callCbs(cbReadOnlySynch);
}

bool advance() {
    constexpr uint64_t never = ~0ULL;
    const uint64_t deadline = VerilatedVpi::cbNextDeadline();
    if (deadline == never) return false;
    model.context->time(std::max<uint64_t>(deadline, model.context->time()));
    VerilatedVpi::callCbs(cbNextSimTime);
    value_changes();
    VerilatedVpi::callTimedCbs();
    value_changes();
    return true;
}

}  // namespace

int main(int argc, char** argv) {
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);  // whoever waits for results may be killed: nobody is left behind
#endif
    std::setvbuf(stdout, nullptr, _IOLBF, 1 << 16);
    const auto context = std::make_unique<VerilatedContext>();
    Verilated::threadContextp(context.get());
    context->commandArgs(argc, argv);
    context->fatalOnError(false);
    context->fatalOnVpiError(false);  // to load itself cocotb asks for what Verilator lacks
    context->traceEverOn(true);

    const auto top = std::make_unique<Vtop>(context.get(), "");
    model.context = context.get();
    model.top = top.get();
    model.connect();
    *model.drive = 0;
#if VM_TRACE
    const auto vcd = std::make_unique<VerilatedVcdC>();
    top->trace(vcd.get(), 99);
    model.vcd = vcd.get();
#endif

    vlog_startup_routines_bootstrap();
    // From here on a refused call is a mistake of the test: a write to a port, which is visible to be read only.
    context->fatalOnVpiError(true);
    VerilatedVpi::callCbs(cbStartOfSimulation);
    value_changes();
    do settle();
    while (!context->gotFinish() && advance());

    top->final();
    VerilatedVpi::callCbs(cbEndOfSimulation);
#if VM_TRACE
    if (vcd->isOpen()) vcd->close();
#endif
#if VM_COVERAGE
    context->coveragep()->write("coverage.dat");  // in the run's folder, after failed tests too
#endif
    return context->errorCount() > 0 ? 1 : 0;
}
