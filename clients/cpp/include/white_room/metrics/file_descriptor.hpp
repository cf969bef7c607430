#pragma once

#include <cerrno>
#include <string>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace white_room {
inline namespace v1 {

/// Owns an open file: closed with it, not inherited by programs that the host starts, and never waited for.
class FileDescriptor {
public:
    FileDescriptor() = default;
    explicit FileDescriptor(int number) noexcept : number_{number} {}
    FileDescriptor(FileDescriptor&& other) noexcept : number_{std::exchange(other.number_, -1)} {}
    FileDescriptor& operator=(FileDescriptor&& other) noexcept {
        std::swap(number_, other.number_);
        return *this;
    }
    ~FileDescriptor() {
        if (number_ >= 0) {
            ::close(number_);
        }
    }

    [[nodiscard]] int number() const noexcept { return number_; }
    explicit operator bool() const noexcept { return number_ >= 0; }

private:
    int number_ = -1;
};

[[nodiscard]] inline std::system_error last_error(const std::string& what) {
    return std::system_error{errno, std::generic_category(), what};
}

#if defined(SOCK_CLOEXEC)
inline constexpr int socket_flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
#else
inline constexpr int socket_flags = 0;
#endif

/// A socket as every socket here is: with what the system cannot be asked for at once (macOS has no `SOCK_CLOEXEC`).
[[nodiscard]] inline FileDescriptor prepared(int number) noexcept {
#if !defined(SOCK_CLOEXEC)
    ::fcntl(number, F_SETFD, FD_CLOEXEC);
    ::fcntl(number, F_SETFL, O_NONBLOCK);
#endif
#if defined(SO_NOSIGPIPE)
    const int on = 1;
    ::setsockopt(number, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    return FileDescriptor{number};
}

/// A new Unix stream socket.
/// @throws std::system_error  there is none to be had
[[nodiscard]] inline FileDescriptor unix_socket() {
    FileDescriptor made = prepared(::socket(AF_UNIX, SOCK_STREAM | socket_flags, 0));
    if (!made) {
        throw last_error("no Unix socket could be made");
    }
    return made;
}

/// The next connection that waits at `listener`; nothing if none does, or there is no file descriptor for it.
[[nodiscard]] inline FileDescriptor accepted(const FileDescriptor& listener) noexcept {
#if defined(SOCK_CLOEXEC)
    return prepared(::accept4(listener.number(), nullptr, nullptr, socket_flags));
#else
    return prepared(::accept(listener.number(), nullptr, nullptr));
#endif
}

/// Two connected sockets: the end of one wakes a thread that waits for the other.
/// @throws std::system_error  there are none to be had
[[nodiscard]] inline std::pair<FileDescriptor, FileDescriptor> socket_pair() {
    int ends[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | socket_flags, 0, ends) != 0) {
        throw last_error("no socket pair could be made");
    }
    return {prepared(ends[0]), prepared(ends[1])};
}

}  // namespace v1
}  // namespace white_room
