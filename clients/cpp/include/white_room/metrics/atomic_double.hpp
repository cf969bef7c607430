#pragma once

#include <atomic>

namespace white_room {
inline namespace v1 {

static_assert(std::atomic<double>::is_always_lock_free, "an audio thread must not take a lock");

/// `target += amount`, lock-free (C++17 has no `fetch_add` for floating point). Repeats only if another thread added in
/// between, in which case that thread got on.
inline void atomic_add(std::atomic<double>& target, double amount) noexcept {
    double before = target.load(std::memory_order_relaxed);
    while (!target.compare_exchange_weak(before, before + amount, std::memory_order_relaxed)) {
    }
}

}  // namespace v1
}  // namespace white_room
