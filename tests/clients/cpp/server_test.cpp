// The server under its host's rough handling. Built with sanitizers; run by ctest with an empty directory as argument.

#include <atomic>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <utility>

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <white_room/metrics.hpp>

#include "check.hpp"

using white_room::Registry;
using white_room::Server;

namespace {

/// A client that blocks, as a simple one does.
class Client {
public:
    explicit Client(const std::string& path) {
        const auto address = white_room::socket_address(path);
        CHECK(number_ >= 0 && ::connect(number_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0);
    }
    ~Client() { ::close(number_); }
    Client(const Client&) = delete;
    Client& operator=(const Client&) = delete;

    void send(const std::string& text) const {
        CHECK(::send(number_, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size()));
    }

    /// What is received until `end` is, or the server ends the connection.
    [[nodiscard]] std::string receive_until(const std::string& end) const {
        std::string received;
        char bytes[65536];
        while (received.find(end) == std::string::npos) {
            const ssize_t count = ::recv(number_, bytes, sizeof bytes, 0);
            if (count <= 0) {
                break;
            }
            received.append(bytes, static_cast<std::size_t>(count));
        }
        return received;
    }

private:
    int number_ = ::socket(AF_UNIX, SOCK_STREAM, 0);
};

const std::string request = "GET /metrics HTTP/1.1\r\nHost: plugin\r\n\r\n";

std::string path_of(const Server& server) {
    CHECK(eventually([&] { return !server.path().empty(); }));
    return server.path();
}

void polls_and_updates_go_on_together(const std::string& directory) {
    Registry registry;
    auto& counter = registry.counter("a_total", "A.");
    const Server server{registry, "busy", directory};
    std::atomic<bool> stop{false};
    std::thread audio{[&] {
        while (!stop) {
            counter.inc();
        }
    }};
    std::thread message{[&] {
        for (int i = 0; i < 200; ++i) {
            registry.gauge("b", "B.", {{"i", std::to_string(i)}}).set(i);
        }
    }};
    {
        const Client client{path_of(server)};
        for (int poll = 0; poll < 200; ++poll) {
            client.send(request);
            CHECK(client.receive_until("\na_total ").rfind("HTTP/1.1 200 OK", 0) == 0);
        }
    }
    stop = true;
    audio.join();
    message.join();
}

void a_client_that_leaves_or_does_not_read_does_no_harm(const std::string& directory) {
    Registry registry;
    const std::string much(10000, 'x');
    for (int i = 0; i < 100; ++i) {  // more than a socket's buffer holds
        registry.gauge("a", "A.", {{"much", much + std::to_string(i)}});
    }
    const Server server{registry, "ignored", directory};
    for (int i = 0; i < 10; ++i) {  // a write to a closed socket would be a SIGPIPE
        const Client leaving{path_of(server)};
        leaving.send(request);
    }
    const Client not_reading{path_of(server)};
    not_reading.send(request);
    const Client reading{path_of(server)};
    reading.send(request);
    CHECK(reading.receive_until("x99\"} 0\n").find("x99\"} 0\n") != std::string::npos);
}

void instances_come_and_go_while_clients_are_in_the_middle_of_something(const std::string& directory) {
    for (int round = 0; round < 50; ++round) {
        Registry registry;
        auto one = std::make_unique<Server>(registry, "transient", directory);
        auto two = std::make_unique<Server>(registry, "transient", directory);
        const std::string first = path_of(*one);
        CHECK(first != path_of(*two));
        const Client halfway{first};
        halfway.send("GET /metr");
        const Client idle{first};
        one.reset();
        CHECK(::access(first.c_str(), F_OK) != 0);
        CHECK(halfway.receive_until("\n").empty());
        const Client other{two->path()};
    }
}

void a_server_may_end_before_it_began(const std::string& directory) {
    for (int round = 0; round < 50; ++round) {
        Registry registry;
        const Server server{registry, "brief", directory};
    }
}

void a_slow_client_has_a_deadline_and_an_idle_one_too() {
    using std::chrono::seconds;
    const auto page = [](white_room::Format) { return std::string(1000000, 'x'); };
    auto [ours, theirs] = white_room::socket_pair();
    white_room::Connection connection{std::move(ours)};
    const auto start = white_room::Clock::now();
    CHECK(!connection.is_overdue(start + seconds{59}));
    CHECK(connection.is_overdue(start + seconds{62}));

    CHECK(::send(theirs.number(), "GET /metr", 9, 0) == 9);
    CHECK(connection.advance(page));
    CHECK(!connection.is_overdue(start + seconds{4}));
    CHECK(connection.is_overdue(white_room::Clock::now() + seconds{6}));

    CHECK(::send(theirs.number(), "ics HTTP/1.1\r\n\r\n", 16, 0) == 16);
    CHECK(connection.advance(page));
    CHECK(connection.events() == POLLOUT);  // more than is taken at once
    CHECK(connection.is_overdue(white_room::Clock::now() + seconds{6}));
}

}  // namespace

int main(int, char** argv) {
    const std::string directory = argv[1];
    polls_and_updates_go_on_together(directory);
    a_client_that_leaves_or_does_not_read_does_no_harm(directory);
    instances_come_and_go_while_clients_are_in_the_middle_of_something(directory);
    a_server_may_end_before_it_began(directory);
    a_slow_client_has_a_deadline_and_an_idle_one_too();
    CHECK(white_room::names_in(directory).size() == 2);  // "." and ".."
}
