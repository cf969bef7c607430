#pragma once

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include <dirent.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <white_room/metrics/decimal.hpp>
#include <white_room/metrics/file_descriptor.hpp>

namespace white_room {
inline namespace v1 {

/// @throws std::runtime_error  the path is longer than the system allows (macOS 103 bytes, Linux 107)
[[nodiscard]] inline sockaddr_un socket_address(const std::string& path) {
    sockaddr_un address{};
    if (path.size() >= sizeof address.sun_path) {
        throw std::runtime_error{path + " has " + decimal(path.size()) + " bytes, but the path of a socket at most " +
                                 decimal(sizeof address.sun_path - 1) +
                                 ": set WHITE_ROOM_SOCKET_DIR to a shorter directory"};
    }
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    return address;
}

/// Whether nothing listens at `path`.
[[nodiscard]] inline bool is_deaf(const std::string& path) {
    const sockaddr_un address = socket_address(path);
    const FileDescriptor probe = unix_socket();
    return ::connect(probe.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 &&
           errno == ECONNREFUSED;
}

/// The names in a directory; none if it cannot be read.
[[nodiscard]] inline std::vector<std::string> names_in(const std::string& directory) {
    std::vector<std::string> names;
    if (DIR* const opened = ::opendir(directory.c_str())) {
        while (const dirent* const entry = ::readdir(opened)) {
            names.emplace_back(entry->d_name);
        }
        ::closedir(opened);
    }
    return names;
}

/// Removes what crashed processes left of this plugin: `<plugin>.<pid>.sock` of a pid that is no more. One that listens
/// is let be: its process may live where its pid means nothing here, in a container.
inline void remove_stale(const std::string& directory, const std::string& plugin) {
    const std::string prefix = plugin + '.';
    for (const std::string& name : names_in(directory)) {
        const std::string path = directory + '/' + name;
        const pid_t pid = name.rfind(prefix, 0) == 0 ? std::atoi(name.c_str() + prefix.size()) : 0;
        const bool is_gone = pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH;
        if (is_gone && is_deaf(path)) {
            ::unlink(path.c_str());
        }
    }
}

/// A listening socket with a name in the file system, which goes with it.
class Listener {
public:
    /// Listens on `<plugin>.<pid>.sock`, or, for further instances in this process, `<plugin>.<pid>.<2...>.sock`.
    /// @throws std::runtime_error  it could not
    Listener(const std::string& directory, const std::string& plugin) : socket_{unix_socket()} {
        remove_stale(directory, plugin);
        path_ = bind_to_free_name(directory + '/' + plugin + '.' + decimal(::getpid()));
        // The agent may be another user: a group of /run/white-room may let it in, and 0700 of the others keeps it out.
        constexpr mode_t for_group = S_IRUSR | S_IWUSR | S_IRGRP | S_IWGRP;
        struct stat made {};
        if (::chmod(path_.c_str(), for_group) != 0 || ::listen(socket_.number(), SOMAXCONN) != 0 ||
            ::lstat(path_.c_str(), &made) != 0) {
            const auto error = last_error("cannot listen on " + path_);
            ::unlink(path_.c_str());
            throw error;
        }
        made_ = {made.st_dev, made.st_ino};
    }
    Listener(const Listener&) = delete;
    Listener& operator=(const Listener&) = delete;
    ~Listener() {
        if (is_in_place()) {
            ::unlink(path_.c_str());
        }
    }

    [[nodiscard]] const FileDescriptor& socket() const noexcept { return socket_; }
    [[nodiscard]] const std::string& path() const noexcept { return path_; }

    /// Whether the path still leads here: somebody may have cleaned the directory up.
    [[nodiscard]] bool is_in_place() const noexcept {
        struct stat found {};
        return ::lstat(path_.c_str(), &found) == 0 && found.st_dev == made_.first && found.st_ino == made_.second;
    }

    /// Forget the path, so that it stays: it is another process's.
    void disown() noexcept { path_.clear(); }

private:
    [[nodiscard]] std::string bind_to_free_name(const std::string& stem) const {
        for (int instance = 1;; ++instance) {
            const std::string path = stem + (instance == 1 ? "" : '.' + decimal(instance)) + ".sock";
            const sockaddr_un address = socket_address(path);
            if (::bind(socket_.number(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) {
                return path;
            }
            if (errno != EADDRINUSE) {
                throw last_error("cannot make " + path);
            }
        }
    }

    FileDescriptor socket_;
    std::string path_{};
    std::pair<dev_t, ino_t> made_{};
};

}  // namespace v1
}  // namespace white_room
