#pragma once

#include <atomic>
#include <cstdint>

#include <white_room/metrics/cache_line.hpp>

namespace white_room {
inline namespace v1 {

/// A count that only goes up. Real-time safe: `inc` is one relaxed atomic addition, wait-free, from any thread.
class alignas(cache_line) Counter {
public:
    Counter() = default;
    Counter(const Counter&) = delete;
    Counter& operator=(const Counter&) = delete;

    void inc(std::uint64_t amount = 1) noexcept { count_.fetch_add(amount, std::memory_order_relaxed); }

    [[nodiscard]] std::uint64_t value() const noexcept { return count_.load(std::memory_order_relaxed); }

private:
    static_assert(std::atomic<std::uint64_t>::is_always_lock_free, "an audio thread must not take a lock");
    std::atomic<std::uint64_t> count_{0};
};

}  // namespace v1
}  // namespace white_room
