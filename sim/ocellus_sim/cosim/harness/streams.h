// What stands at a port during a burst: sources, sinks and watches, one small step a clock each.
#pragma once

#include <cstdint>
#include <cstring>
#include <deque>
#include <vector>

// Payloads lie in the caller's arrays as whole 64-bit words, low word first; the model's storage is at most that long.
// Upper bytes of a slot are never written: the caller hands in zeroed arrays.
inline void copy_payload(uint8_t* to, const uint8_t* from, uint32_t bytes) {
    switch (bytes) {
        case 1: *to = *from; break;
        case 2: std::memcpy(to, from, 2); break;
        case 4: std::memcpy(to, from, 4); break;
        case 8: std::memcpy(to, from, 8); break;
        default: std::memcpy(to, from, bytes);
    }
}

// A repeatable coin: SplitMix64, one draw a decision, compared as integers so that every machine agrees.
struct Stall {
    uint64_t threshold = 0;  // probability in 2**-32; 0 draws nothing
    uint64_t state = 0;

    bool draw() {
        if (threshold == 0) return false;
        uint64_t z = (state += 0x9e3779b97f4a7c15ULL);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
        return ((z ^ (z >> 31)) >> 32) < threshold;
    }
};

struct Chunk {
    const uint8_t* begin;
    const uint8_t* end;
};

struct Source {
    uint8_t* valid;
    const uint8_t* ready;
    uint8_t* payload;
    uint32_t bytes;
    uint32_t stride;
    Stall stall;
    const uint8_t* next = nullptr;
    const uint8_t* end = nullptr;
    std::deque<Chunk> queue;
    bool holding = false;  // a beat is offered and waits for ready
    bool stalled = false;  // the coming clock was drawn as a stall
    bool fired = false;
    uint64_t sent = 0;

    bool pending() {
        while (next == end) {
            if (queue.empty()) return false;
            next = queue.front().begin;
            end = queue.front().end;
            queue.pop_front();
        }
        return true;
    }

    // Decides the coming clock, once.
    void drive() {
        if (holding || stalled) return;
        if (!pending()) {
            *valid = 0;
        } else if (stall.draw()) {
            stalled = true;
            *valid = 0;
        } else {
            holding = true;
            *valid = 1;
            copy_payload(payload, next, bytes);
        }
    }

    bool sample() { return fired = holding && *ready; }

    void step() {
        stalled = false;
        if (fired) {
            holding = false;
            next += stride;
            ++sent;
        }
        drive();
    }

    bool empty() { return !holding && !pending(); }
};

struct Sink {
    const uint8_t* valid;
    uint8_t* ready;  // a tap's points at a byte that stays 1
    const uint8_t* payload;
    uint32_t bytes;
    uint32_t stride;
    bool tap;
    Stall stall;
    uint8_t* buffer = nullptr;
    uint64_t* stamps = nullptr;
    uint64_t capacity = 0;
    uint64_t count = 0;
    bool drawn = false;  // the coming clock's stall is decided
    bool stalled = false;
    bool overflow = false;  // a tap cannot wait: it lost a beat

    void drive() {
        if (tap) return;
        if (!drawn) {
            stalled = stall.draw();
            drawn = true;
        }
        *ready = !stalled && count < capacity;
    }

    bool sample(uint64_t cycle) {
        if (!(*valid && *ready)) return false;
        if (count == capacity) {
            overflow = true;
            return true;
        }
        copy_payload(buffer + count * stride, payload, bytes);
        if (stamps) stamps[count] = cycle;
        ++count;
        return true;
    }

    void step() {
        drawn = false;
        drive();
    }
};

struct Watch {
    const uint8_t* data;
    uint32_t bytes;
    uint32_t words;
    std::vector<uint8_t> last;
    std::vector<uint64_t> rows;  // clock, then the value's words

    void sample(uint64_t cycle) {
        if (!rows.empty() && std::memcmp(last.data(), data, bytes) == 0) return;
        std::memcpy(last.data(), data, bytes);
        rows.push_back(cycle);
        const size_t at = rows.size();
        rows.resize(at + words);
        std::memcpy(rows.data() + at, data, bytes);
    }
};
