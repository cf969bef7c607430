// An engine in real time: a callback every 128 frames, some of them late on purpose, and FFI calls of which some fail or
// are slow. Keeps its own account of it, apart from the metrics. Arguments: the socket's directory, and seconds.
// Prints the account as JSON, and goes on being polled until its standard input ends.

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include <white_room/metrics.hpp>

using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

namespace {

constexpr double rate = 48000;
constexpr int frames = 128;
constexpr Seconds deadline{frames / rate};

void spend(Seconds time) { std::this_thread::sleep_for(time); }

struct Account {
    std::vector<double> render_times{};
    int late_on_purpose = 0;
    int calls = 0;
    int rejected = 0;
    int unnamed_errors = 0;
    int slow = 0;
};

void render(white_room::AudioMetrics& audio, Account& account) {
    const bool late = account.render_times.size() % 40 == 39;
    const auto start = Clock::now();
    {
        const auto block = audio.block(frames);
        const auto channel = audio.channel(0);
        spend(late ? deadline * 2 : deadline / 4);
    }
    account.render_times.push_back(Seconds{Clock::now() - start}.count());
    account.late_on_purpose += late ? 1 : 0;
}

int call(white_room::FfiFunction& function, Account& account) {
    const int number = ++account.calls;
    const bool slow = number % 50 == 25;
    account.slow += slow ? 1 : 0;
    return function.measure([&] {
        if (slow) {
            spend(Seconds{0.12});
        }
        if (number % 5 == 0) {
            ++account.rejected;
            return 1;
        }
        if (number % 20 == 1) {
            ++account.unnamed_errors;
            return 77;
        }
        return 0;
    });
}

double quantile(std::vector<double> values, double part) {
    std::sort(values.begin(), values.end());
    return values[static_cast<std::size_t>(std::ceil(part * static_cast<double>(values.size()))) - 1];
}

void print(const Account& account) {
    const auto& times = account.render_times;
    const auto late = std::count_if(times.begin(), times.end(), [](double time) { return time > deadline.count(); });
    std::printf("{\"blocks\": %zu, \"late\": %td, \"late_on_purpose\": %d, \"median\": %.9f, \"p99\": %.9f, ", times.size(), late,
                account.late_on_purpose, quantile(times, 0.5), quantile(times, 0.99));
    std::printf("\"calls\": %d, \"rejected\": %d, \"unnamed_errors\": %d, \"slow\": %d}\n", account.calls, account.rejected,
                account.unnamed_errors, account.slow);
    std::fflush(stdout);
}

}  // namespace

int main(int, char** argv) {
    white_room::Registry registry;
    white_room::AudioMetrics audio{registry, 1};
    white_room::FfiFunction function{registry, "sch_engine_push_command", {0, {{1, "SCH_ERR_REJECTED"}}}};
    const white_room::Server server{registry, "engine", argv[1]};
    audio.prepare(rate, frames);

    Account account;
    const auto end = Clock::now() + Seconds{std::atof(argv[2])};
    std::thread front_end{[&] {
        while (Clock::now() < end) {
            call(function, account);
            spend(Seconds{0.005});
        }
    }};
    auto next = Clock::now();
    while (Clock::now() < end) {
        render(audio, account);
        next = std::max(next + std::chrono::duration_cast<Clock::duration>(deadline), Clock::now());
        std::this_thread::sleep_until(next);
    }
    front_end.join();
    print(account);
    while (std::getchar() != EOF) {
    }
}
