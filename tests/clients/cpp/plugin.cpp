// A plugin as a host loads it: a shared object whose metrics are a variable of its own. Its symbols are not hidden, which
// is the harder case for unloading.

#include <white_room/metrics.hpp>

namespace {
white_room::Registry registry;
white_room::AudioMetrics audio{registry, 2};
white_room::Server server{registry, "plugin"};
}  // namespace

extern "C" int process() {
    const auto block = audio.block(128);
    return server.path().empty() ? 0 : 1;
}
