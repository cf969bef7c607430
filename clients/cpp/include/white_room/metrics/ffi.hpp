#pragma once

#include <string>
#include <utility>
#include <vector>

#include <white_room/metrics/registry.hpp>
#include <white_room/metrics/timer.hpp>

namespace white_room {
inline namespace v1 {

/// Bounds of FFI call durations in seconds, with the platform's limit of 100 ms.
inline std::vector<double> ffi_call_bounds() {
    return {0.00001, 0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005,
            0.01,    0.025,    0.05,    0.1,    0.25,    0.5,    1.0,   2.5};
}

/// The result codes of an engine's functions: which one is success, and the names of the others.
struct FfiCodes {
    int ok;
    std::vector<std::pair<int, std::string>> errors;
};

/// Calls of one function that an engine offers through its C interface: how many, how long, and which errors.
///
/// The label values of errors are fixed when it is made: a code without a name counts as `other`. Everything but the
/// constructor is real-time safe.
class FfiFunction {
public:
    /// One call, from its construction to its destruction.
    class Call {
    public:
        explicit Call(FfiFunction& function) noexcept : function_{function}, start_{Clock::now()} {}
        /// Counts the call. One that ends without a result (by an exception) is an error, `other`.
        ~Call() { function_.finish(seconds_since(start_), error_); }
        Call(const Call&) = delete;
        Call& operator=(const Call&) = delete;

        /// Notes the call's result code, and returns it: `return call.result(code);`
        int result(int code) noexcept {
            error_ = function_.error(code);
            return code;
        }

    private:
        FfiFunction& function_;
        Clock::time_point start_;
        Counter* error_ = &function_.other_;  // none: the call succeeded
    };

    FfiFunction(Registry& registry, const std::string& name, const FfiCodes& codes)
        : calls_{registry.counter("ffi_calls_total", "Calls from the front end into the engine.", {{"function", name}})},
          duration_{registry.histogram("ffi_call_duration_seconds", "Duration of calls from the front end into the engine.",
                                       ffi_call_bounds(), {{"function", name}})},
          other_{errors_of(registry, name, "other")},
          ok_{codes.ok} {
        for (const auto& [code, text] : codes.errors) {
            errors_.emplace_back(code, &errors_of(registry, name, text));
        }
    }
    FfiFunction(const FfiFunction&) = delete;
    FfiFunction& operator=(const FfiFunction&) = delete;

    /// Measures one call until the result is destroyed.
    [[nodiscard]] Call call() noexcept { return Call{*this}; }

    /// Counts a call that was measured elsewhere.
    void observe(double seconds, int code) noexcept { finish(seconds, error(code)); }

    /// Measures `body()`, which returns the result code, and returns it.
    template <class Body>
    int measure(Body&& body) {
        Call measured{*this};
        return measured.result(std::forward<Body>(body)());
    }

private:
    static Counter& errors_of(Registry& registry, const std::string& name, const std::string& code) {
        return registry.counter("ffi_errors_total", "Calls from the front end that the engine answered with an error.",
                                {{"function", name}, {"code", code}});
    }

    /// The counter that a result code belongs to; none for success.
    [[nodiscard]] Counter* error(int code) const noexcept {
        if (code == ok_) {
            return nullptr;
        }
        for (const auto& [known, counter] : errors_) {
            if (known == code) {
                return counter;
            }
        }
        return &other_;
    }

    void finish(double elapsed, Counter* error) noexcept {
        calls_.inc();
        duration_.observe(elapsed);
        if (error != nullptr) {
            error->inc();
        }
    }

    Counter& calls_;
    Histogram& duration_;
    Counter& other_;
    int ok_;
    std::vector<std::pair<int, Counter*>> errors_{};
};

}  // namespace v1
}  // namespace white_room
