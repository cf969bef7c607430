#pragma once

#include <chrono>

#include <white_room/metrics/histogram.hpp>

namespace white_room {
inline namespace v1 {

/// The clock of every measurement: monotonic. Reading it is no system call on Linux (vDSO, as long as the kernel's clock
/// source is the processor's: see /sys/devices/system/clocksource/clocksource0/current_clocksource) or macOS (commpage).
using Clock = std::chrono::steady_clock;

/// Seconds since `start`.
[[nodiscard]] inline double seconds_since(Clock::time_point start) noexcept {
    return std::chrono::duration<double>{Clock::now() - start}.count();
}

/// Observes the seconds between its construction and its destruction. Real-time safe.
class ScopedTimer {
public:
    explicit ScopedTimer(Histogram& histogram) noexcept : histogram_{histogram}, start_{Clock::now()} {}
    ~ScopedTimer() { histogram_.observe(seconds_since(start_)); }
    ScopedTimer(const ScopedTimer&) = delete;
    ScopedTimer& operator=(const ScopedTimer&) = delete;

private:
    Histogram& histogram_;
    Clock::time_point start_;
};

}  // namespace v1
}  // namespace white_room
