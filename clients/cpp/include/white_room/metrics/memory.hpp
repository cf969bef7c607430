#pragma once

#include <cstdio>
#include <limits>

#include <unistd.h>
#if defined(__APPLE__)
#include <mach/mach.h>
#endif

#include <white_room/metrics/registry.hpp>

namespace white_room {
inline namespace v1 {

/// Bytes of this process that are in memory now; NaN if the system does not say.
[[nodiscard]] inline double resident_bytes() noexcept {
#if defined(__APPLE__)
    mach_task_basic_info_data_t info{};
    mach_msg_type_number_t count = MACH_TASK_BASIC_INFO_COUNT;
    const auto out = reinterpret_cast<task_info_t>(&info);
    if (task_info(mach_task_self(), MACH_TASK_BASIC_INFO, out, &count) == KERN_SUCCESS) {
        return static_cast<double>(info.resident_size);
    }
#else
    unsigned long pages = 0;  // the second field of man 5 proc_pid_statm
    std::FILE* const statm = std::fopen("/proc/self/statm", "re");
    const bool known = statm != nullptr && std::fscanf(statm, "%*s %lu", &pages) == 1;
    if (statm != nullptr) {
        std::fclose(statm);
    }
    if (known) {
        return static_cast<double>(pages) * static_cast<double>(sysconf(_SC_PAGESIZE));
    }
#endif
    return std::numeric_limits<double>::quiet_NaN();
}

/// Exports the memory of the process that the engine runs in (in a host that loads many plugins: of that host).
inline void add_memory_metrics(Registry& registry) {
    registry.computed_gauge("audio_engine_resident_memory_bytes",
                            "Memory in use by the process that the engine runs in.", resident_bytes);
}

}  // namespace v1
}  // namespace white_room
