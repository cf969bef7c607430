// A program that computes on given processors, with or without real-time priority.
//
// Usage: explain_hog PRIORITY THREADS CPU. It pins each thread to that processor (-1: to none, -2: one thread a
// processor) and waits. Each line of standard input is a number of milliseconds for which all threads compute.

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <thread>
#include <vector>

namespace {

std::int64_t now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1'000'000'000LL + time.tv_nsec;
}

std::atomic<int> waiting{0};

void compute(std::int64_t until, int priority, int cpu) {
    if (cpu >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(cpu, &set);
        sched_setaffinity(0, sizeof set, &set);
    }
    // The first one to have a priority could keep the others from being started.
    for (--waiting; waiting > 0;) {
        sched_yield();
    }
    const sched_param parameters{priority};
    if (priority > 0 && sched_setscheduler(0, SCHED_FIFO, &parameters) != 0) {
        std::perror("sched_setscheduler");
    }
    while (now() < until) {
    }
}

}  // namespace

int main(int count, char** arguments) {
    if (count != 4) {
        std::fprintf(stderr, "usage: explain_hog PRIORITY THREADS CPU\n");
        return 64;
    }
    const int priority = std::atoi(arguments[1]);
    const int threads = std::atoi(arguments[2]);
    const int cpu = std::atoi(arguments[3]);
    std::printf("ready %d\n", getpid());
    std::fflush(stdout);
    char line[64];
    while (std::fgets(line, sizeof line, stdin) != nullptr) {
        const std::int64_t until = now() + static_cast<std::int64_t>(std::atof(line) * 1e6);
        waiting = threads;
        std::vector<std::thread> running;
        for (int number = 0; number < threads; ++number) {
            running.emplace_back(compute, until, priority, cpu == -2 ? number : cpu);
        }
        for (auto& thread : running) {
            thread.join();
        }
        std::printf("ok\n");
        std::fflush(stdout);
    }
    return 0;
}
