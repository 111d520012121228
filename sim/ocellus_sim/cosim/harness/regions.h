// Regions: parts of the design whose clock is withheld while another clock would change nothing in them.
//
// A region that has been offered the same inputs for a while is tried: the model is copied, the region's clock alone
// gets an edge, and the model is compared with the copy, memories and all. Where not a byte differs, no clock will
// change the region until something else enters it. Where one does, the copy is put back.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "model.h"

// A stretch of the model's storage that clocks of the regions in `writers` may change, one bit each; what belongs to
// no such stretch, any clock may change. The clocks themselves are stretches without writers.
struct Memory {
    size_t begin, bytes;
    uint64_t writers;
};

struct Region {
    // A trial costs as much as `shortest` clocks: two of a large region, hundreds of a small one; it is timed. The clocks
    // to wait before the first one since something entered, `least`, double after a rest that was not worth it, and halve
    // again after one that was; after a trial in vain the next one waits half as long again.
    static constexpr uint64_t LONGEST = 1 << 14;

    const char* name;
    uint8_t* clock;
    uint8_t* feed;  // at its edge what enters a shut region reaches it; null for others
    uint64_t shortest = 16, least = 16, patience = 16;
    std::chrono::nanoseconds trial = std::chrono::seconds(1), tick = std::chrono::seconds(1);  // the least that was seen
    uint64_t since = 0;  // the clock from which on the same entered it, or from which on it has been at rest
    uint64_t all = 0;    // clocks at rest before that, since the bench was opened
    std::vector<std::pair<size_t, size_t>> stretches;  // of the model's storage, that its clock may change: begin, bytes
};

class Regions {
  public:
    std::vector<Region> list;
    std::vector<Memory> memories;
    const uint8_t* changes = nullptr;  // a port with a bit a region: something else enters it
    uint32_t bytes = 0;

    void add(const char* name, uint8_t* clock, uint8_t* feed) {
        *clock = 0;  // inputs of the top begin at random
        if (feed != nullptr) {
            *feed = 0;
            shut |= 1ULL << list.size();
        }
        list.push_back({name, clock, feed});
    }

    void open() {
        wake();
        for (Region& r : list) r.all = 0;
    }

    void wake() {
        for (uint64_t left = resting; left != 0; left &= left - 1) {
            Region& r = list[__builtin_ctzll(left)];
            r.all += now - r.since;
        }
        resting = 0;
        for (Region& r : list) r.since = now;
    }

    uint64_t rested(int region) const {
        const Region& r = list[region];
        return r.all + (resting >> region & 1 ? now - r.since : 0);
    }

    // Evaluates the model until every shut region has seen what enters it.
    void settle() {
        model.eval();
        if (shut == 0) return;
        while (const uint64_t stale = changed() & shut) {
            for (uint64_t left = stale; left != 0; left &= left - 1) model.edge(list[__builtin_ctzll(left)].feed);
            fed |= stale;
            model.eval();
        }
    }

    // Who gets the coming clock; all is settled for it.
    void decide() {
        ++now;
        if (list.empty()) return;
        const uint64_t other = (changed() & ~shut) | fed;
        fed = 0;
        for (uint64_t left = other; left != 0; left &= left - 1) {
            const int number = __builtin_ctzll(left);
            Region& r = list[number];
            if (resting >> number & 1) {
                r.all += now - r.since;
                const bool worth = now - r.since >= 4 * r.shortest;
                r.least = worth ? std::max(r.least / 2, r.shortest) : std::min(r.least * 2, Region::LONGEST);
                r.patience = r.least;
            }
            r.since = now;
        }
        resting &= ~other;
        for (uint64_t left = awake() & ~other; left != 0; left &= left - 1) {
            const int number = __builtin_ctzll(left);
            Region& r = list[number];
            if (now - r.since < r.patience) continue;
            r.since = now;
            if (would_rest(r, number)) resting |= 1ULL << number;
            else r.patience = std::min(r.patience + r.patience / 2, Region::LONGEST);
        }
    }

    void raise() {
        for (uint64_t left = awake(); left != 0; left &= left - 1) model.edge(list[__builtin_ctzll(left)].clock);
    }

  private:
    uint64_t now = 0, shut = 0, resting = 0;
    uint64_t fed = 0;  // shut regions that something else has entered since the last clock
    std::vector<uint8_t> copy;

    uint64_t awake() const { return ~resting & (list.size() == 64 ? ~0ULL : (1ULL << list.size()) - 1); }

    uint64_t changed() const {
        switch (bytes) {
            case 1: return *changes;
            case 2: return *reinterpret_cast<const uint16_t*>(changes);
            case 4: return *reinterpret_cast<const uint32_t*>(changes);
            default: return *reinterpret_cast<const uint64_t*>(changes);
        }
    }

    // Everything but the clocks, and the memories that only other clocks write.
    void find_stretches(Region& r, int number) {
        std::sort(memories.begin(), memories.end(), [](const Memory& a, const Memory& b) { return a.begin < b.begin; });
        size_t begin = 0;
        for (const Memory& m : memories) {
            if (m.writers >> number & 1) continue;
            if (m.begin > begin) r.stretches.push_back({begin, m.begin - begin});
            begin = m.begin + m.bytes;
        }
        r.stretches.push_back({begin, model.bytes() - begin});
    }

    bool would_rest(Region& r, int number) {
        if (r.stretches.empty()) find_stretches(r, number);
        uint8_t* const all = model.storage();
        copy.resize(model.bytes());
        const auto start = std::chrono::steady_clock::now();
        for (const auto& [begin, bytes] : r.stretches) std::memcpy(copy.data() + begin, all + begin, bytes);
        const auto raised = std::chrono::steady_clock::now();
        model.edge(r.clock);
        model.eval();
        r.tick = std::min<std::chrono::nanoseconds>(r.tick, std::chrono::steady_clock::now() - raised);
        bool same = true;
        for (const auto& [begin, bytes] : r.stretches)
            if (std::memcmp(copy.data() + begin, all + begin, bytes) != 0) {
                same = false;
                break;
            }
        if (!same)
            for (const auto& [begin, bytes] : r.stretches) std::memcpy(all + begin, copy.data() + begin, bytes);
        r.trial = std::min<std::chrono::nanoseconds>(r.trial, std::chrono::steady_clock::now() - start);
        r.shortest = std::clamp<uint64_t>(r.trial / (r.tick + std::chrono::nanoseconds(1)), 2, 1024);
        return same;
    }
};

extern Regions regions;
