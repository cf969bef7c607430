#pragma once

#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#include <sys/stat.h>
#include <unistd.h>

#include <white_room/metrics/decimal.hpp>
#include <white_room/metrics/file_descriptor.hpp>

namespace white_room {
inline namespace v1 {

/// A directory that sockets may be put into.
struct SocketDirectory {
    std::string path;
    bool make;
};

/// Where sockets go, the best first: `chosen`, or else `$WHITE_ROOM_SOCKET_DIR`, and nothing else if one of them is set;
/// `$XDG_RUNTIME_DIR/white-room`, `/run/white-room` if it exists, `/tmp/white-room-<uid>`. The agent looks there too.
[[nodiscard]] inline std::vector<SocketDirectory> socket_directories(const std::string& chosen) {
    const auto environment = [](const char* name) {
        const char* const value = std::getenv(name);
        return std::string{value == nullptr ? "" : value};
    };
    const std::string only = chosen.empty() ? environment("WHITE_ROOM_SOCKET_DIR") : chosen;
    if (!only.empty()) {
        return {{only, true}};
    }
    std::vector<SocketDirectory> found;
    const std::string runtime = environment("XDG_RUNTIME_DIR");
    if (!runtime.empty()) {
        found.push_back({runtime + "/white-room", true});
    }
    found.push_back({"/run/white-room", false});
    found.push_back({"/tmp/white-room-" + decimal(::geteuid()), true});
    return found;
}

/// Makes the directory if it should be made, and looks whether sockets can safely be put into it.
/// @throws std::runtime_error  why not
inline void require_usable(const SocketDirectory& directory) {
    if (directory.make && ::mkdir(directory.path.c_str(), S_IRWXU) != 0 && errno != EEXIST) {
        throw last_error("cannot make " + directory.path);
    }
    struct stat found {};
    if (::lstat(directory.path.c_str(), &found) != 0) {
        throw last_error(directory.path);
    }
    if (!S_ISDIR(found.st_mode)) {
        throw std::runtime_error{directory.path + " is not a directory"};
    }
    // /tmp is everybody's: somebody else may have made the directory first, to see or to replace what is put there.
    const bool shared = (found.st_mode & (S_IWGRP | S_IWOTH)) != 0;
    const bool sticky = (found.st_mode & S_ISVTX) != 0;
    if ((found.st_uid != ::geteuid() && found.st_uid != 0) || (shared && !sticky)) {
        throw std::runtime_error{directory.path + " must belong to this user or root, and others must not be able to "
                                                  "replace what is in it (chmod 700, or chmod +t if it is shared)"};
    }
    if (::access(directory.path.c_str(), W_OK | X_OK) != 0) {
        throw last_error(directory.path);
    }
}

/// The first usable directory.
/// @throws std::runtime_error  none is; says why of each
[[nodiscard]] inline std::string usable_directory(const std::vector<SocketDirectory>& candidates) {
    std::string reasons;
    for (const auto& candidate : candidates) {
        try {
            require_usable(candidate);
            return candidate.path;
        } catch (const std::runtime_error& reason) {
            reasons += (reasons.empty() ? "" : "; ") + std::string{reason.what()};
        }
    }
    throw std::runtime_error{reasons};
}

}  // namespace v1
}  // namespace white_room
