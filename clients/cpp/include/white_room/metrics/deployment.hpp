#pragma once

#include <string>

#include <white_room/metrics/registry.hpp>

namespace white_room {
inline namespace v1 {

/// Exports the deployed version of an app or server, whose registry has the label `service`.
///
/// Call it once, where the program starts.
inline void add_deployment_version(Registry& registry, const std::string& version) {
    registry
        .gauge("deployment_version", "The deployed version of the service, as a label of a series with the value 1.",
               {{"version", version}})
        .set(1);
}

}  // namespace v1
}  // namespace white_room
