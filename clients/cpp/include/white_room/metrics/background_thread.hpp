#pragma once

#include <cerrno>
#include <csignal>
#include <system_error>

#include <pthread.h>
#include <sys/resource.h>
#if defined(__APPLE__)
#include <pthread/qos.h>
#endif

namespace white_room {
inline namespace v1 {

/// A thread that disturbs its host as little as can be: lower priority than the host's own, also if another starts it (an audio
/// thread's would be inherited), deaf to the host's signals, on a small stack (which `mlockall` would keep in memory).
class BackgroundThread {
public:
    BackgroundThread() = default;
    BackgroundThread(const BackgroundThread&) = delete;
    BackgroundThread& operator=(const BackgroundThread&) = delete;

    /// @throws std::system_error  the system has no thread to give
    template <class Owner, void (Owner::*Run)()>
    void start(Owner& owner) {
        pthread_attr_t attributes;
        ::pthread_attr_init(&attributes);
        ::pthread_attr_setstacksize(&attributes, stack_bytes);
        ::pthread_attr_setinheritsched(&attributes, PTHREAD_EXPLICIT_SCHED);
        ::pthread_attr_setschedpolicy(&attributes, SCHED_OTHER);
        const sched_param normal{};
        ::pthread_attr_setschedparam(&attributes, &normal);

        sigset_t all;
        sigset_t before;
        ::sigfillset(&all);
        ::pthread_sigmask(SIG_SETMASK, &all, &before);
        const int failed = ::pthread_create(&thread_, &attributes, body<Owner, Run>, &owner);
        ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
        ::pthread_attr_destroy(&attributes);
        if (failed != 0) {
            throw std::system_error{failed, std::generic_category(), "no thread could be started"};
        }
        started_ = true;
    }

    void join() noexcept {
        if (started_) {
            ::pthread_join(thread_, nullptr);
            started_ = false;
        }
    }

    /// In a child of fork, where the thread is not.
    void forget() noexcept { started_ = false; }

private:
    static constexpr std::size_t stack_bytes = std::size_t{256} * 1024;
    // Behind the host's own threads, but not far: with more (or SCHED_IDLE) a busy host keeps the thread from
    // ending for longer than unloading a plugin may take (nice 5: 60 ms with three busy threads a core).
    static constexpr int niceness = 2;

    template <class Owner, void (Owner::*Run)()>
    static void* body(void* owner) {
        lower_priority();
        (static_cast<Owner*>(owner)->*Run)();
        return nullptr;
    }

    static void lower_priority() noexcept {
#if defined(__linux__)
        ::setpriority(PRIO_PROCESS, 0, ::getpriority(PRIO_PROCESS, 0) + niceness);  // of the calling thread, on Linux
        ::pthread_setname_np(::pthread_self(), "white-room");
#elif defined(__APPLE__)
        ::pthread_set_qos_class_self_np(QOS_CLASS_UTILITY, 0);
        ::pthread_setname_np("white-room");
#endif
    }

    pthread_t thread_{};
    bool started_ = false;
};

}  // namespace v1
}  // namespace white_room
