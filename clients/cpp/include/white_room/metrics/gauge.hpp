#pragma once

#include <atomic>

#include <white_room/metrics/atomic_double.hpp>
#include <white_room/metrics/cache_line.hpp>

namespace white_room {
inline namespace v1 {

/// A value that goes up and down. Real-time safe: `set` is wait-free; `add` is lock-free, from any thread.
class alignas(cache_line) Gauge {
public:
    Gauge() = default;
    Gauge(const Gauge&) = delete;
    Gauge& operator=(const Gauge&) = delete;

    void set(double value) noexcept { value_.store(value, std::memory_order_relaxed); }

    void add(double amount) noexcept { atomic_add(value_, amount); }

    [[nodiscard]] double value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<double> value_{0.0};
};

}  // namespace v1
}  // namespace white_room
