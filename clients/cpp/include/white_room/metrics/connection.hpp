#pragma once

#include <cerrno>
#include <chrono>
#include <string>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

#include <white_room/metrics/file_descriptor.hpp>
#include <white_room/metrics/http.hpp>
#include <white_room/metrics/timer.hpp>

namespace white_room {
inline namespace v1 {

/// One client of the server: reads requests and writes answers as far as the socket takes them, and never waits.
class Connection {
public:
    explicit Connection(FileDescriptor socket) : socket_{std::move(socket)} {}

    [[nodiscard]] int number() const noexcept { return socket_.number(); }
    [[nodiscard]] short events() const noexcept { return unsent_.empty() ? POLLIN : POLLOUT; }
    /// When the state that it is in began: idle, in the middle of a request, or of an answer.
    [[nodiscard]] Clock::time_point since() const noexcept { return since_; }

    /// Whether a request or an answer has taken too long, or nothing was asked for a minute.
    [[nodiscard]] bool is_overdue(Clock::time_point now) const noexcept {
        const bool idle = received_.empty() && unsent_.empty();
        return now - since_ > (idle ? std::chrono::seconds{60} : std::chrono::seconds{5});
    }

    /// Goes on. False if the connection is over.
    template <class Page>
    [[nodiscard]] bool advance(const Page& page) {
        if (!unsent_.empty()) {
            return send() && (!unsent_.empty() || answer_all(page));
        }
        return receive() && answer_all(page);
    }

private:
    static constexpr std::size_t max_head = 4096;

    [[nodiscard]] bool receive() {
        char bytes[max_head];
        const ssize_t count = ::recv(socket_.number(), bytes, sizeof bytes, 0);
        if (count > 0) {
            if (received_.empty()) {
                since_ = Clock::now();
            }
            received_.append(bytes, static_cast<std::size_t>(count));
            return true;
        }
        return count < 0 && (errno == EAGAIN || errno == EINTR);
    }

    /// Answers the complete requests that were received, one by one, until the socket takes no more.
    template <class Page>
    [[nodiscard]] bool answer_all(const Page& page) {
        while (unsent_.empty()) {
            if (!keep_open_) {
                return false;
            }
            const auto end = received_.find("\r\n\r\n");
            if (end == std::string::npos && received_.size() <= max_head) {
                return true;
            }
            Answer next = end == std::string::npos
                              ? make_answer("431 Request Header Fields Too Large", "the request is too long\n", false)
                              : answer(std::string_view{received_}.substr(0, end), page);
            received_.erase(0, end == std::string::npos ? end : end + 4);
            unsent_ = std::move(next.bytes);
            keep_open_ = next.keep_open;
            since_ = Clock::now();
            if (!send()) {
                return false;
            }
        }
        return true;
    }

    [[nodiscard]] bool send() {
#if defined(MSG_NOSIGNAL)
        constexpr int flags = MSG_NOSIGNAL;
#else
        constexpr int flags = 0;  // SO_NOSIGPIPE is set
#endif
        const ssize_t count = ::send(socket_.number(), unsent_.data(), unsent_.size(), flags);
        if (count < 0) {
            return errno == EAGAIN || errno == EINTR;
        }
        unsent_.erase(0, static_cast<std::size_t>(count));
        if (unsent_.empty()) {
            since_ = Clock::now();
        }
        return true;
    }

    FileDescriptor socket_;
    std::string received_{};
    std::string unsent_{};
    bool keep_open_ = true;
    Clock::time_point since_ = Clock::now();
};

}  // namespace v1
}  // namespace white_room
