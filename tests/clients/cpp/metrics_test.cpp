// The values, their page, and the helpers of engines. Built with sanitizers; run by ctest.

#include <atomic>
#include <cstdint>
#include <limits>
#include <locale>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include <white_room/metrics.hpp>

#include "check.hpp"

using white_room::Registry;

namespace {

template <class Register>
bool is_refused(const Register& attempt) {
    try {
        attempt();
    } catch (const std::invalid_argument&) {
        return true;
    }
    return false;
}

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

void spend(double seconds) {
    const auto start = white_room::Clock::now();
    while (white_room::seconds_since(start) < seconds) {
    }
}

void the_page_is_the_text_format() {
    Registry registry{{{"service", "juce-backend"}}};
    registry.counter("songs_created_total", "Songs.", {{"kind", "a\\b\"c\nd"}}).inc(3);
    registry.gauge("ui_frame_rate", "Frames a second.").set(59.94);
    auto& histogram = registry.histogram("song_load_duration_seconds", "Loading.", {0.1, 1});
    histogram.observe(0.1);
    histogram.observe(0.5);
    histogram.observe(7);

    CHECK(registry.text() ==
          "# HELP song_load_duration_seconds Loading.\n"
          "# TYPE song_load_duration_seconds histogram\n"
          "song_load_duration_seconds_bucket{service=\"juce-backend\",le=\"0.1\"} 1\n"
          "song_load_duration_seconds_bucket{service=\"juce-backend\",le=\"1\"} 2\n"
          "song_load_duration_seconds_bucket{service=\"juce-backend\",le=\"+Inf\"} 3\n"
          "song_load_duration_seconds_sum{service=\"juce-backend\"} 7.6\n"
          "song_load_duration_seconds_count{service=\"juce-backend\"} 3\n"
          "# HELP songs_created_total Songs.\n"
          "# TYPE songs_created_total counter\n"
          "songs_created_total{kind=\"a\\\\b\\\"c\\nd\",service=\"juce-backend\"} 3\n"
          "# HELP ui_frame_rate Frames a second.\n"
          "# TYPE ui_frame_rate gauge\n"
          "ui_frame_rate{service=\"juce-backend\"} 59.94\n");
}

void numbers_are_written_alike_everywhere() {
    struct Comma : std::numpunct<char> {
        char do_decimal_point() const override { return ','; }
        char do_thousands_sep() const override { return '.'; }
        std::string do_grouping() const override { return "\3"; }
    };
    const std::locale before = std::locale::global(std::locale{std::locale::classic(), new Comma});
    Registry registry;
    registry.counter("a_total", "A.").inc(1234567);
    registry.gauge("b", "B.").set(1234.5);
    registry.gauge("c", "C.").set(std::numeric_limits<double>::infinity());
    registry.gauge("d", "D.").set(-std::numeric_limits<double>::infinity());
    registry.gauge("e", "E.").set(std::numeric_limits<double>::quiet_NaN());
    registry.computed_gauge("f", "F.", []() noexcept { return 0.25; });
    const std::string page = registry.text();
    std::locale::global(before);

    for (const char* line : {"\na_total 1234567\n", "\nb 1234.5\n", "\nc +Inf\n", "\nd -Inf\n", "\ne NaN\n", "\nf 0.25\n"}) {
        CHECK(contains(page, line));
    }
}

void a_registration_is_checked() {
    Registry registry;
    auto& first = registry.counter("a_total", "A.", {{"x", "1"}});
    registry.histogram("h", "H.", {1, 2});

    CHECK(&registry.counter("a_total", "A.", {{"x", "1"}}) == &first);
    CHECK(&registry.counter("a_total", "A.", {{"x", "2"}}) != &first);
    CHECK(is_refused([&] { registry.counter("a", "No suffix."); }));
    CHECK(is_refused([&] { registry.counter("a_total", "Another help."); }));
    CHECK(is_refused([&] { registry.gauge("a_total", "A."); }));
    CHECK(is_refused([&] { registry.gauge("1a", "A."); }));
    CHECK(is_refused([&] { registry.gauge("", "A."); }));
    CHECK(is_refused([&] { registry.gauge("b", "Two\nlines."); }));
    CHECK(is_refused([&] { registry.gauge("b", "B.", {{"le", "1"}}); }));
    CHECK(is_refused([&] { registry.gauge("b", "B.", {{"__b", "1"}}); }));
    CHECK(is_refused([&] { registry.gauge("b", "B.", {{"b-c", "1"}}); }));
    CHECK(is_refused([&] { registry.histogram("h", "H.", {1, 3}); }));
    CHECK(is_refused([&] { registry.histogram("i", "I.", {2, 1}); }));
    CHECK(is_refused([&] { registry.histogram("i", "I.", {}); }));
    CHECK(is_refused([&] { registry.histogram("i", "I.", std::vector<double>(33)); }));
    CHECK(is_refused([&] { white_room::Server{registry, "a plugin"}; }));
}

void threads_lose_nothing() {
    constexpr int threads = 4;
    constexpr int times = 100000;
    Registry registry;
    auto& counter = registry.counter("a_total", "A.");
    auto& gauge = registry.gauge("b", "B.");
    auto& histogram = registry.histogram("c", "C.", {1, 2});
    std::vector<std::thread> running;
    std::atomic<int> not_there{threads};
    for (int thread = 0; thread < threads; ++thread) {
        running.emplace_back([&] {
            --not_there;
            while (not_there > 0) {
                std::this_thread::yield();
            }
            for (int i = 0; i < times; ++i) {
                counter.inc();
                gauge.add(1);
                histogram.observe(i % 2 + 0.5);
            }
        });
    }
    while (counter.value() < threads * times / 2) {
        CHECK(!registry.text().empty());
    }
    for (auto& thread : running) {
        thread.join();
    }

    CHECK(counter.value() == threads * times);
    CHECK(gauge.value() == threads * times);
    CHECK(histogram.count(0) == threads * times / 2);
    CHECK(histogram.count(1) == threads * times / 2);
    CHECK(histogram.sum() == threads * times);
}

void a_late_block_is_an_xrun() {
    Registry registry;
    white_room::AudioMetrics audio{registry, 2};
    const auto xruns = [&]() -> std::uint64_t {
        return registry.counter("audio_engine_xruns_total", "Dropouts, each counted once.", {{"source", "engine"}}).value();
    };
    {
        const auto block = audio.block(128);
        spend(0.01);
    }
    CHECK(xruns() == 0);  // the deadline is not known yet
    audio.prepare(48000, 480000);
    {
        const auto block = audio.block(480000);  // ten seconds
        spend(0.001);
    }
    CHECK(xruns() == 0);
    {
        const auto block = audio.block(48);  // a millisecond: the device delivered less than it said
        spend(0.002);
    }
    CHECK(xruns() == 1);
    CHECK(contains(registry.text(), "\naudio_engine_buffer_duration_seconds 10\n"));
    CHECK(contains(registry.text(), "\naudio_engine_render_time_seconds_count 3\n"));
}

void channels_have_loads_that_fade() {
    Registry registry;
    white_room::AudioMetrics audio{registry, 2};
    const auto load = [&](const std::string& channel) {
        return registry
            .gauge("audio_channel_cpu_usage", "Time spent on a channel as a part of the buffer's duration, over about a second.",
                   {{"channel", channel}})
            .value();
    };
    audio.prepare(1000, 500);  // half a second a block: each weighs a half
    for (int block = 0; block < 20; ++block) {
        const auto measured = audio.block(500);
        audio.add_channel_seconds(0, 0.1);
        audio.add_channel_seconds(0, 0.1);
        audio.add_channel_seconds(2, 1.0);  // was not announced
    }
    CHECK(load("1") > 0.399 && load("1") < 0.401);
    CHECK(load("2") == 0.0);
    {
        const auto measured = audio.block(500);
        const auto timer = audio.channel(1);
        spend(0.001);
    }
    CHECK(load("1") > 0.199 && load("1") < 0.201);
    CHECK(load("2") > 0.0);
}

void ffi_calls_are_counted_by_function_and_code() {
    Registry registry;
    white_room::FfiFunction load{registry, "sch_engine_load_song", {0, {{1, "SCH_ERR_REJECTED"}, {2, "SCH_ERR_PARSE_FAILED"}}}};
    for (const int code : {0, 0, 1, 2, 2, 77}) {
        CHECK(load.measure([&] { return code; }) == code);
    }
    load.observe(0.3, 0);
    try {
        const auto call = load.call();
        throw std::runtime_error{"the call has no result"};
    } catch (const std::runtime_error&) {
    }
    {
        auto call = load.call();
        CHECK(call.result(1) == 1);
    }

    const std::string page = registry.text();
    for (const char* line : {
             "\nffi_calls_total{function=\"sch_engine_load_song\"} 9\n",
             "\nffi_call_duration_seconds_count{function=\"sch_engine_load_song\"} 9\n",
             "\nffi_call_duration_seconds_bucket{function=\"sch_engine_load_song\",le=\"0.25\"} 8\n",
             "\nffi_errors_total{code=\"SCH_ERR_REJECTED\",function=\"sch_engine_load_song\"} 2\n",
             "\nffi_errors_total{code=\"SCH_ERR_PARSE_FAILED\",function=\"sch_engine_load_song\"} 2\n",
             "\nffi_errors_total{code=\"other\",function=\"sch_engine_load_song\"} 2\n",
         }) {
        CHECK(contains(page, line));
    }
}

void memory_is_that_of_this_process() {
    CHECK(white_room::resident_bytes() > 1e6);
    Registry registry;
    white_room::add_memory_metrics(registry);
    CHECK(contains(registry.text(), "\naudio_engine_resident_memory_bytes "));
}

void the_deployed_version_is_a_label() {
    Registry registry{{{"service", "juce-backend"}}};
    white_room::add_deployment_version(registry, "1.2.3");
    white_room::add_deployment_version(registry, "1.2.3");
    CHECK(contains(registry.text(), "\ndeployment_version{service=\"juce-backend\",version=\"1.2.3\"} 1\n"));
}

void requests_are_answered() {
    const auto page = [](white_room::Format) { return std::string{"a 1\n"}; };
    const auto answer = [&](const char* head) { return white_room::answer(head, page); };

    const auto good = answer("GET /metrics HTTP/1.1\r\nHost: plugin");
    CHECK(good.keep_open);
    CHECK(good.bytes ==
          "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4; charset=utf-8\r\nContent-Length: 4\r\n"
          "Connection: keep-alive\r\n\r\na 1\n");
    CHECK(contains(answer("GET /metrics?name=a HTTP/1.1").bytes, "HTTP/1.1 200 OK"));
    CHECK(contains(answer("HEAD /metrics HTTP/1.1").bytes, "Content-Length: 4\r\n"));
    CHECK(!contains(answer("HEAD /metrics HTTP/1.1").bytes, "a 1"));
    CHECK(!answer("GET /metrics HTTP/1.0\r\nHost: plugin").keep_open);
    CHECK(!answer("GET /metrics HTTP/1.1\r\nCONNECTION: Close").keep_open);
    CHECK(contains(answer("GET / HTTP/1.1").bytes, "HTTP/1.1 404 Not Found"));
    CHECK(contains(answer("POST /metrics HTTP/1.1").bytes, "HTTP/1.1 405 Method Not Allowed"));
    for (const char* noise : {"", "GET", "GET /metrics", "GET HTTP/1.1", " HTTP/1.1", "GET /metrics HTTP/2"}) {
        CHECK(contains(answer(noise).bytes, "HTTP/1.1 400 Bad Request"));
        CHECK(!answer(noise).keep_open);
    }
}

void the_format_is_the_one_that_is_asked_for() {
    const auto page = [](white_room::Format format) {
        return std::string{format == white_room::Format::open_metrics ? "open" : "text"};
    };
    const auto format_of = [&](const std::string& fields) {
        const std::string bytes = white_room::answer("GET /metrics HTTP/1.1" + fields, page).bytes;
        CHECK(contains(bytes, "application/openmetrics-text; version=1.0.0; charset=utf-8") == contains(bytes, "\nopen"));
        return bytes.substr(bytes.size() - 4);
    };
    for (const char* fields : {
             "",
             "\r\nAccept: */*",
             "\r\nAccept: text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0;q=0.9",
             "\r\nAccept: application/openmetrics-text;q=0",
             "\r\nAccept: application/openmetrics-text;q=nonsense",
             "\r\nAccept: application/openmetrics-text;version=0.0.1",
             "\r\nAccept: text/*;q=0.5, application/openmetrics-text;q=0.499",
             "\r\nX-Accept: application/openmetrics-text",
         }) {
        CHECK(format_of(fields) == "text");
    }
    for (const char* fields : {
             "\r\nAccept: application/openmetrics-text",
             "\r\naccept:APPLICATION/OpenMetrics-Text ; Version=1.0.0 ; Q=0.5 , text/plain;q=0.4",
             "\r\nAccept: application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
             "application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=0.0.4;q=0.4,*/*;q=0.1",
             "\r\nAccept: text/plain;q=0.5\r\nHost: plugin\r\nAccept: application/openmetrics-text;q=0.501",
         }) {
        CHECK(format_of(fields) == "open");
    }
}

}  // namespace

int main() {
    the_page_is_the_text_format();
    numbers_are_written_alike_everywhere();
    a_registration_is_checked();
    threads_lose_nothing();
    a_late_block_is_an_xrun();
    channels_have_loads_that_fade();
    ffi_calls_are_counted_by_function_and_code();
    memory_is_that_of_this_process();
    the_deployed_version_is_a_label();
    requests_are_answered();
    the_format_is_the_one_that_is_asked_for();
}
