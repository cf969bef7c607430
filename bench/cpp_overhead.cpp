// The program that bench/cpp_overhead.py builds and runs. It prints one line a measurement:
// `subject<TAB>column<TAB>nanoseconds`.
//
// Nanoseconds are those of one call, the median of several rounds: processor time of the calling thread, and elapsed time
// too where threads may wait for each other. With four threads, "shared" is one metric that all write to, "own" is one
// metric each, registered one after the other.

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdio>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include <time.h>

#include <white_room/metrics.hpp>

#if defined(WITH_PROMETHEUS_CPP)
#include <prometheus/counter.h>
#include <prometheus/gauge.h>
#include <prometheus/histogram.h>
#endif

namespace {

constexpr int rounds = 7;
constexpr int many_threads = 4;
constexpr int calls = 1000000;
constexpr std::size_t different_values = 1024;  // a power of two

double seconds_of(clockid_t clock) {
    timespec now{};
    ::clock_gettime(clock, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

/// Render times around those of 128 frames, so that the buckets that are searched for differ.
double value(int call) {
    static const auto values = [] {
        std::array<double, different_values> made{};
        unsigned state = 1;
        for (double& each : made) {
            state = state * 1664525u + 1013904223u;
            each = 0.0002 + static_cast<double>(state >> 16) / 65536.0 * 0.003;
        }
        return made;
    }();
    return values[static_cast<std::size_t>(call) % different_values];
}

template <class Call>
double nanoseconds_of(const Call& call, clockid_t clock) {
    const double start = seconds_of(clock);
    for (int i = 0; i < calls; ++i) {
        call(value(i));
        asm volatile("" ::: "memory");  // every call is made
    }
    return (seconds_of(clock) - start) / calls * 1e9;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

/// `call_of(thread)` is what thread number `thread` calls.
template <class CallOf>
double measured(int threads, const CallOf& call_of, clockid_t clock = CLOCK_THREAD_CPUTIME_ID) {
    std::vector<double> all;
    for (int round = 0; round < rounds; ++round) {
        std::vector<double> of_threads(static_cast<std::size_t>(threads));
        std::vector<std::thread> running;
        std::atomic<int> not_there{threads};
        for (int thread = 0; thread < threads; ++thread) {
            running.emplace_back([&, thread] {
                --not_there;
                while (not_there > 0) {
                    std::this_thread::yield();
                }
                const auto number = static_cast<std::size_t>(thread);
                of_threads[number] = nanoseconds_of(call_of(number), clock);
            });
        }
        for (auto& thread : running) {
            thread.join();
        }
        all.push_back(median(of_threads));
    }
    return median(all);
}

template <class CallOf>
void report(const std::string& subject, const CallOf& call_of) {
    const auto shared = [&](std::size_t) { return call_of(0); };
    std::printf("%s\t1\t%.1f\n", subject.c_str(), measured(1, call_of));
    std::printf("%s\t4 shared\t%.1f\n", subject.c_str(), measured(many_threads, shared));
    std::printf("%s\t4 shared elapsed\t%.1f\n", subject.c_str(), measured(many_threads, shared, CLOCK_MONOTONIC));
    std::printf("%s\t4 own\t%.1f\n", subject.c_str(), measured(many_threads, call_of));
    std::fflush(stdout);
}

/// One for each thread.
template <class Made, class Make>
std::vector<Made> for_each_thread(const Make& make) {
    std::vector<Made> all;
    for (int thread = 0; thread < many_threads; ++thread) {
        all.push_back(make(std::to_string(thread)));
    }
    return all;
}

void report_ours() {
    white_room::Registry registry;
    const auto counters = for_each_thread<white_room::Counter*>(
        [&](const std::string& name) { return &registry.counter("a_total", "A.", {{"thread", name}}); });
    const auto gauges = for_each_thread<white_room::Gauge*>(
        [&](const std::string& name) { return &registry.gauge("b", "B.", {{"thread", name}}); });
    const auto histograms = for_each_thread<white_room::Histogram*>([&](const std::string& name) {
        return &registry.histogram("c", "C.", white_room::render_time_bounds(), {{"thread", name}});
    });
    const auto functions = for_each_thread<std::unique_ptr<white_room::FfiFunction>>([&](const std::string& name) {
        return std::make_unique<white_room::FfiFunction>(registry, name, white_room::FfiCodes{0, {{1, "SCH_ERR_REJECTED"}}});
    });

    report("ours: Counter::inc", [&](std::size_t thread) {
        return [counter = counters[thread]](double) { counter->inc(); };
    });
    report("ours: Gauge::set", [&](std::size_t thread) {
        return [gauge = gauges[thread]](double now) { gauge->set(now); };
    });
    report("ours: Histogram::observe", [&](std::size_t thread) {
        return [histogram = histograms[thread]](double now) { histogram->observe(now); };
    });
    report("ours: ScopedTimer", [&](std::size_t thread) {
        return [histogram = histograms[thread]](double) { const white_room::ScopedTimer timer{*histogram}; };
    });
    report("ours: FfiFunction::measure", [&](std::size_t thread) {
        return [function = functions[thread].get()](double) { function->measure([] { return 0; }); };
    });
}

/// An audio callback: one thread at a time, as it is.
void report_our_callback() {
    white_room::Registry registry;
    white_room::AudioMetrics audio{registry, 2};
    audio.prepare(48000, 128);
    const double cost = measured(1, [&](std::size_t) {
        return [&](double) {
            const auto block = audio.block(128);
            for (std::size_t channel = 0; channel < 2; ++channel) {
                const auto timer = audio.channel(channel);
            }
        };
    });
    std::printf("ours: AudioMetrics::block, 2 channels\t1\t%.1f\n", cost);
}

#if defined(WITH_PROMETHEUS_CPP)
void report_peer() {
    const auto bounds = white_room::render_time_bounds();
    const auto counters = for_each_thread<std::unique_ptr<prometheus::Counter>>(
        [](const std::string&) { return std::make_unique<prometheus::Counter>(); });
    const auto gauges = for_each_thread<std::unique_ptr<prometheus::Gauge>>(
        [](const std::string&) { return std::make_unique<prometheus::Gauge>(); });
    const auto histograms = for_each_thread<std::unique_ptr<prometheus::Histogram>>(
        [&](const std::string&) { return std::make_unique<prometheus::Histogram>(bounds); });

    report("prometheus-cpp: Counter::Increment", [&](std::size_t thread) {
        return [counter = counters[thread].get()](double) { counter->Increment(); };
    });
    report("prometheus-cpp: Gauge::Set", [&](std::size_t thread) {
        return [gauge = gauges[thread].get()](double now) { gauge->Set(now); };
    });
    report("prometheus-cpp: Histogram::Observe", [&](std::size_t thread) {
        return [histogram = histograms[thread].get()](double now) { histogram->Observe(now); };
    });
}
#endif

}  // namespace

int main() {
    report("nothing", [](std::size_t) { return [](double) {}; });
    report("two readings of the clock", [](std::size_t) {
        return [](double) {
            const auto start = white_room::Clock::now();
            asm volatile("" ::: "memory");
            const volatile double elapsed = white_room::seconds_since(start);
            static_cast<void>(elapsed);
        };
    });
    report_ours();
    report_our_callback();
#if defined(WITH_PROMETHEUS_CPP)
    report_peer();
#endif
}
