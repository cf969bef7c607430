#pragma once

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstddef>
#include <exception>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include <poll.h>
#include <unistd.h>

#include <white_room/metrics/ascii.hpp>
#include <white_room/metrics/background_thread.hpp>
#include <white_room/metrics/connection.hpp>
#include <white_room/metrics/fork_guard.hpp>
#include <white_room/metrics/listener.hpp>
#include <white_room/metrics/registry.hpp>
#include <white_room/metrics/socket_directory.hpp>

namespace white_room {
inline namespace v1 {

/// Serves a registry on a Unix socket, for the agent to poll: `curl --unix-socket FILE http://plugin/metrics`.
///
/// Where it cannot (a full disk, a directory that may not be written to), it says why in `problem`, tries again every two
/// seconds, and the host goes on. The socket goes when the server is destroyed, which does not wait for readers. A child that
/// the host forks does not serve; it may make a server of its own.
class Server final : private ForkAware {
public:
    /// @param registry  must outlive the server
    /// @param plugin  the value of the label `plugin`: letters, digits, `_` and `-`, a letter or digit first, at most 64
    /// @param directory  where the socket goes; see socket_directories
    /// @throws std::invalid_argument  the plugin's name has another form
    Server(const Registry& registry, const std::string& plugin, const std::string& directory = {})
        : registry_{registry}, plugin_{plugin}, directories_{socket_directories(directory)} {
        require_plugin_name(plugin);
        ForkGuard::add(*this);
        try {
            std::tie(wake_, woken_) = socket_pair();
            thread_.start<Server, &Server::run>(*this);
        } catch (const std::exception& reason) {
            problem_ = reason.what();
        }
    }

    ~Server() override {
        ForkGuard::remove(*this);
        if (owner_ != ::getpid()) {
            abandon();
        }
        stopping_ = true;
        wake_ = FileDescriptor{};
        thread_.join();
    }
    Server(const Server&) = delete;
    Server& operator=(const Server&) = delete;

    /// The socket; empty while there is none.
    [[nodiscard]] std::string path() const {
        const std::lock_guard lock{turn_};
        return listener_ ? listener_->path() : std::string{};
    }

    /// Why there is no socket; empty if there is one, or will be in a moment.
    [[nodiscard]] std::string problem() const {
        const std::lock_guard lock{turn_};
        return problem_;
    }

private:
    static constexpr std::size_t max_connections = 8;
    static constexpr int tick_milliseconds = 2000;

    static void require_plugin_name(const std::string& name) {
        const auto plain = [](char c) { return is_letter(c) || is_digit(c); };
        const auto allowed = [plain](char c) { return plain(c) || c == '_' || c == '-'; };
        const bool fits = !name.empty() && name.size() <= 64;
        if (!fits || !plain(name.front()) || !std::all_of(name.begin(), name.end(), allowed)) {
            throw std::invalid_argument{
                "a plugin's name is 1 to 64 letters, digits, '_' or '-', a letter or digit first, not '" + name + "'"};
        }
    }

    void hold_still() noexcept override { turn_.lock(); }
    void go_on() noexcept override { turn_.unlock(); }
    void let_go() noexcept override {
        abandon();
        turn_.unlock();
    }

    void abandon() noexcept {
        thread_.forget();
        connections_.clear();
        if (listener_) {
            listener_->disown();
            listener_.reset();
        }
        wake_ = FileDescriptor{};
        woken_ = FileDescriptor{};
    }

    /// The thread. Holds `turn_` whenever it does not wait, so that a fork finds everything at rest.
    void run() {
        std::unique_lock turn{turn_};
        while (!stopping_) {
            keep_listening();
            const nfds_t count = watch();
            turn.unlock();
            ::poll(watched_.data(), count, tick_milliseconds);
            turn.lock();
            serve();
        }
        connections_.clear();
        listener_.reset();
    }

    void keep_listening() noexcept {
        try {
            if (listener_ && !listener_->is_in_place()) {
                listener_.reset();
            }
            if (!listener_) {
                listener_.emplace(usable_directory(directories_), plugin_);
            }
            problem_.clear();
        } catch (const std::exception& reason) {
            problem_ = reason.what();
        }
    }

    /// Fills `watched_`: what wakes the thread, the listener, then the connections.
    nfds_t watch() noexcept {
        watched_[0] = {woken_.number(), POLLIN, 0};
        watched_[1] = {listener_ && !crowded_ ? listener_->socket().number() : -1, POLLIN, 0};
        crowded_ = false;
        nfds_t count = 2;
        for (const Connection& connection : connections_) {
            watched_[count++] = {connection.number(), connection.events(), 0};
        }
        return count;
    }

    /// Whatever goes wrong here (memory, above all) ends connections, and never the host.
    void serve() noexcept {
        try {
            advance_connections();
            if (watched_[1].revents != 0) {
                accept_next();
            }
        } catch (const std::exception&) {
            connections_.clear();
        }
    }

    void advance_connections() {
        const auto page = [this](Format format) { return registry_.text(format); };
        const auto now = Clock::now();
        std::size_t index = 2;
        std::vector<Connection> open;
        for (Connection& connection : connections_) {
            const bool ready = watched_[index++].revents != 0;
            if ((!ready || connection.advance(page)) && !connection.is_overdue(now)) {
                open.push_back(std::move(connection));
            }
        }
        connections_ = std::move(open);
    }

    /// Takes one connection; if there are too many, in the place of the one that was quiet for longest.
    void accept_next() {
        FileDescriptor socket = accepted(listener_->socket());
        if (!socket) {
            crowded_ = errno != EAGAIN;  // no file descriptor is left: wait, do not spin
            return;
        }
        if (connections_.size() == max_connections) {
            connections_.erase(std::min_element(connections_.begin(), connections_.end(), [](auto& one, auto& other) {
                return one.since() < other.since();
            }));
        }
        connections_.emplace_back(std::move(socket));
    }

    const Registry& registry_;
    const std::string plugin_;
    const std::vector<SocketDirectory> directories_;
    const pid_t owner_ = ::getpid();

    mutable std::mutex turn_{};  // guards what follows, up to the next gap
    std::optional<Listener> listener_{};
    std::vector<Connection> connections_{};
    std::vector<pollfd> watched_ = std::vector<pollfd>(max_connections + 2);
    bool crowded_ = false;
    std::string problem_{};

    std::atomic<bool> stopping_{false};
    FileDescriptor wake_{};  // closing it ends the wait
    FileDescriptor woken_{};
    BackgroundThread thread_{};
};

}  // namespace v1
}  // namespace white_room
