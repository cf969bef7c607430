#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include <white_room/metrics/atomic_double.hpp>
#include <white_room/metrics/cache_line.hpp>
#include <white_room/metrics/decimal.hpp>

namespace white_room {
inline namespace v1 {

/// Counts observations into fixed buckets. Real-time safe: `observe` searches the bounds from the lowest one up, adds
/// one to a bucket (wait-free) and the value to the sum (lock-free), from any thread.
class alignas(cache_line) Histogram {
public:
    static constexpr std::size_t max_bounds = 32;

    /// @param bounds  upper bounds of the finite buckets, strictly ascending, in the unit of what is observed
    /// @throws std::invalid_argument  there is none, there are more than `max_bounds`, or they do not ascend
    explicit Histogram(const std::vector<double>& bounds) : bound_count_{bounds.size()} {
        if (bounds.empty() || bounds.size() > max_bounds) {
            throw std::invalid_argument{"a histogram has 1 to " + decimal(max_bounds) + " bounds, not " +
                                        decimal(bounds.size())};
        }
        for (std::size_t index = 0; index < bounds.size(); ++index) {
            if (index > 0 && !(bounds[index - 1] < bounds[index])) {
                throw std::invalid_argument{"the bounds of a histogram must ascend strictly"};
            }
            bounds_[index] = bounds[index];
        }
    }
    Histogram(const Histogram&) = delete;
    Histogram& operator=(const Histogram&) = delete;

    /// Count `value`, which belongs to the first bucket whose bound is not below it.
    void observe(double value) noexcept {
        std::size_t bucket = 0;
        while (bucket < bound_count_ && value > bounds_[bucket]) {
            ++bucket;
        }
        counts_[bucket].fetch_add(1, std::memory_order_relaxed);
        atomic_add(sum_, value);
    }

    [[nodiscard]] std::vector<double> bounds() const {
        return {bounds_.begin(), bounds_.begin() + static_cast<std::ptrdiff_t>(bound_count_)};
    }

    /// Observations in bucket `index`, not cumulative; the one after the last bound holds what is above them all.
    [[nodiscard]] std::uint64_t count(std::size_t index) const noexcept {
        return counts_[index].load(std::memory_order_relaxed);
    }

    [[nodiscard]] double sum() const noexcept { return sum_.load(std::memory_order_relaxed); }

private:
    std::size_t bound_count_;
    std::array<double, max_bounds> bounds_{};
    alignas(cache_line) std::array<std::atomic<std::uint64_t>, max_bounds + 1> counts_{};
    std::atomic<double> sum_{0.0};
};

}  // namespace v1
}  // namespace white_room
