// Regions: parts of the design whose clock is withheld while another clock would change nothing in them.
//
// A region that has been offered the same inputs for a while is tried: the whole model is copied, the region's clock
// alone goes up and down, and the model is compared with the copy, memories and all. Where not a byte differs, no clock
// will change the region until something else enters it. Where one does, the copy is put back.
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "model.h"

struct Region {
    // A trial costs as much as some hundred clocks: the clocks to wait before the next one double after each that was
    // not worth it, and halve again after one that was.
    static constexpr uint64_t SHORTEST = 16, LONGEST = 1 << 14, WORTH = 128;

    const char* name;
    uint8_t* clock;
    const uint8_t* inputs;
    std::vector<uint8_t> seen;
    uint64_t patience = SHORTEST;
    uint64_t steady = 0;  // clocks with the same inputs, awake
    uint64_t rested = 0;  // clocks at rest, this time
    uint64_t all = 0;     // clocks at rest since the bench was opened
    bool rests = false;

    Region(const char* name, uint8_t* clock, const uint8_t* inputs, size_t bytes)
        : name(name), clock(clock), inputs(inputs), seen(bytes) {
        *clock = 0;  // inputs of the top begin at random
    }

    void wake() {
        if (rests) judge(rested >= WORTH);
        rests = false;
        steady = rested = 0;
    }

    void judge(bool worth) {
        patience = worth ? std::max(patience / 2, SHORTEST) : std::min(patience * 2, LONGEST);
    }

    // Decides the coming clock; inputs are settled for it, and every clock is low.
    void decide() {
        if (std::memcmp(seen.data(), inputs, seen.size()) != 0) {
            std::memcpy(seen.data(), inputs, seen.size());
            wake();
        } else if (rests) {
            ++rested;
            ++all;
        } else if (++steady == patience) {
            rests = would_rest();
            steady = 0;
            if (!rests) judge(false);
        }
    }

    void raise() { *clock = !rests; }

    bool would_rest() {
        static std::vector<uint8_t> copy;
        uint8_t* const all = model.storage();
        copy.assign(all, all + model.bytes());
        *clock = 1;
        model.eval();
        *clock = 0;
        model.eval();
        if (std::memcmp(copy.data(), all, copy.size()) == 0) return true;
        std::memcpy(all, copy.data(), copy.size());
        return false;
    }
};
