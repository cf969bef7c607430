// What an audio thread calls: no allocation (counted), and no system call (the kernel kills who makes one). Run by ctest;
// with the argument `allocate` or `call` it does so once, to show that this is noticed.

#include <atomic>
#include <cstddef>
#include <new>
#include <string>

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <white_room/metrics.hpp>

#include "check.hpp"

namespace {
std::atomic<long> allocations{0};
}

// glibc's own, which every allocation of this program comes to through ours (C++'s operators call these).
extern "C" void* __libc_malloc(std::size_t size);
extern "C" void* __libc_memalign(std::size_t alignment, std::size_t size);

extern "C" void* malloc(std::size_t size) {
    ++allocations;
    return __libc_malloc(size);
}

extern "C" void* aligned_alloc(std::size_t alignment, std::size_t size) {
    ++allocations;
    return __libc_memalign(alignment, size);
}

namespace {

struct Engine {
    white_room::Registry registry;
    white_room::Counter& counter = registry.counter("a_total", "A.");
    white_room::Gauge& gauge = registry.gauge("b", "B.");
    white_room::Histogram& histogram = registry.histogram("c", "C.", {0.001, 0.01});
    white_room::AudioMetrics audio{registry, 4};
    white_room::FfiFunction function{registry, "sch_engine_push_command", {0, {{1, "SCH_ERR_REJECTED"}}}};

    void render(int block_number) {
        const auto block = audio.block(128);
        for (std::size_t channel = 0; channel < 5; ++channel) {
            const auto timer = audio.channel(channel);
            counter.inc();
            gauge.set(block_number);
            gauge.add(0.5);
            histogram.observe(block_number * 1e-5);
        }
        const white_room::ScopedTimer timer{histogram};
        function.measure([&] { return block_number % 3; });
        audio.prepare(48000, 128);
    }
};

/// From here on the kernel kills this process at any system call but `exit`.
void confine() {
    // man 2 seccomp. Its strict mode would not do: it also forbids the processor's clock.
    sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_exit, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
    };
    const sock_fprog program{4, rules};
    CHECK(::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
    CHECK(::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

/// How a process ended that rendered confined, and then did `misdeed`.
template <class Misdeed>
int status_of_confined(Engine& engine, const Misdeed& misdeed) {
    const pid_t child = ::fork();
    if (child == 0) {
        confine();
        for (int block = 0; block < 10000; ++block) {
            engine.render(block);
        }
        misdeed();
        ::syscall(SYS_exit, 0);
    }
    int status = 0;
    CHECK(::waitpid(child, &status, 0) == child);
    return status;
}

}  // namespace

int main(int argc, char** argv) {
    const std::string misdeed = argc > 1 ? argv[1] : "";
    Engine engine;
    const long before = allocations;
    CHECK(before > 0);
    for (int block = 0; block < 10000; ++block) {
        engine.render(block);
    }
    if (misdeed == "allocate") {
        ::operator delete(::operator new(1));
    }
    CHECK(allocations == before);

    const int status = status_of_confined(engine, [&] {
        if (misdeed == "call") {
            ::syscall(SYS_getpid);
        }
    });
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}
