#pragma once

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

/// Ends the program as failed, and says where, unless `condition` holds.
#define CHECK(condition)                                                            \
    do {                                                                            \
        if (!(condition)) {                                                         \
            std::fprintf(stderr, "%s:%d: not: %s\n", __FILE__, __LINE__, #condition); \
            std::exit(1);                                                           \
        }                                                                           \
    } while (false)

/// Whether `look` returns true before half a minute is over.
template <class Look>
bool eventually(const Look& look) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds{30};
    while (!look()) {
        if (std::chrono::steady_clock::now() > deadline) {
            return false;
        }
        std::this_thread::sleep_for(std::chrono::milliseconds{10});
    }
    return true;
}
