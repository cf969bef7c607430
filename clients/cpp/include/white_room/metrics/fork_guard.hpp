#pragma once

#include <mutex>

#include <pthread.h>

namespace white_room {
inline namespace v1 {

/// What has a thread and open sockets, and so must hold still while the host forks, and let go of them in the child.
class ForkAware {
public:
    virtual void hold_still() noexcept = 0;
    virtual void go_on() noexcept = 0;
    /// In the child: close what belongs to the parent, then go on.
    virtual void let_go() noexcept = 0;

protected:
    ForkAware() = default;
    ForkAware(const ForkAware&) = delete;
    ForkAware& operator=(const ForkAware&) = delete;
    virtual ~ForkAware() = default;

private:
    friend struct ForkGuard;
    ForkAware* next_ = nullptr;
};

/// The objects that forks concern, in this shared object: hidden, since other plugins in the process have their own, and
/// because a variable that is shared between them would keep this one from being unloaded.
///
/// Linux only, where unloading takes the handlers away. Elsewhere they would outlive the plugin; there, a child that does
/// not `exec` keeps its parent's socket open until it ends.
struct __attribute__((visibility("hidden"))) ForkGuard {
    static void add(ForkAware& added) {
        const std::lock_guard lock{mutex};
#if defined(__linux__)
        if (!registered) {
            registered = ::pthread_atfork(before, after_in_parent, after_in_child) == 0;
        }
#endif
        added.next_ = first;
        first = &added;
    }

    static void remove(ForkAware& removed) {
        const std::lock_guard lock{mutex};
        ForkAware** link = &first;
        while (*link != &removed) {
            link = &(*link)->next_;
        }
        *link = removed.next_;
    }

private:
    static void before() {
        mutex.lock();
        for (ForkAware* each = first; each != nullptr; each = each->next_) {
            each->hold_still();
        }
    }

    static void after_in_parent() {
        for (ForkAware* each = first; each != nullptr; each = each->next_) {
            each->go_on();
        }
        mutex.unlock();
    }

    static void after_in_child() {
        for (ForkAware* each = first; each != nullptr; each = each->next_) {
            each->let_go();
        }
        mutex.unlock();
    }

    static inline std::mutex mutex;
    static inline ForkAware* first = nullptr;
    static inline bool registered = false;
};

}  // namespace v1
}  // namespace white_room
