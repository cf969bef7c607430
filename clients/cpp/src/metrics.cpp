#include <white_room/metrics.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include <white_room/metrics.hpp>

namespace wr = white_room;

struct wr_audio {
    wr_audio(wr::Registry& registry, std::size_t channels) : metrics{registry, channels} {}
    wr::AudioMetrics metrics;
    std::optional<wr::AudioMetrics::Block> block{};
};

struct wr_metrics {
    wr_metrics(const char* plugin, const char* directory, wr::Labels labels)
        : registry{std::move(labels)},
          server{plugin == nullptr
                     ? nullptr
                     : std::make_unique<wr::Server>(registry, plugin, directory == nullptr ? "" : directory)} {}

    /// What `ask` returns of the server; an empty text without one, as once it has stopped.
    template <class Ask>
    [[nodiscard]] std::string of_server(const Ask& ask) const {
        const std::lock_guard lock{mutex};
        return server ? ask(*server) : std::string{};
    }

    void stop() {
        const std::lock_guard lock{mutex};
        server.reset();
    }

    wr::Registry registry;
    std::vector<std::unique_ptr<wr_audio>> audio{};
    std::vector<std::unique_ptr<wr::FfiFunction>> functions{};
    mutable std::mutex mutex{};  // guards the server
    std::unique_ptr<wr::Server> server;
};

namespace {

thread_local std::array<char, 512> last_error{};

void copy(const std::string& text, char* out, std::size_t size) {
    if (size > 0) {
        const std::size_t length = std::min(text.size(), size - 1);
        std::memcpy(out, text.data(), length);
        out[length] = '\0';
    }
}

/// What `make` returns; nothing (a null pointer, false) if it throws, which no C caller could catch.
template <class Make>
auto guarded(const Make& make) noexcept -> decltype(make()) {
    try {
        return make();
    } catch (const std::exception& error) {
        copy(error.what(), last_error.data(), last_error.size());
        return {};
    }
}

size_t copy_bounds(const std::vector<double>& all, double* out, size_t size) {
    std::copy_n(all.begin(), std::min(all.size(), size), out);
    return all.size();
}

wr::Labels labels_of(const wr_label* labels, std::size_t count) {
    wr::Labels result;
    for (std::size_t index = 0; index < count; ++index) {
        result.emplace(labels[index].name, labels[index].value);
    }
    return result;
}

// The handles of single metrics are the metrics themselves, under names that C knows.
template <class Handle, class Metric>
Handle* handle_of(Metric& metric) {
    return reinterpret_cast<Handle*>(&metric);
}

wr::Counter& metric_of(wr_counter* handle) { return *reinterpret_cast<wr::Counter*>(handle); }
wr::Gauge& metric_of(wr_gauge* handle) { return *reinterpret_cast<wr::Gauge*>(handle); }
wr::Histogram& metric_of(wr_histogram* handle) { return *reinterpret_cast<wr::Histogram*>(handle); }
wr::FfiFunction& metric_of(wr_ffi_function* handle) { return *reinterpret_cast<wr::FfiFunction*>(handle); }

// wr_gauge_store writes to the handle of a gauge as to a double.
static_assert(std::is_standard_layout_v<wr::Gauge> && sizeof(std::atomic<double>) == sizeof(double));

}  // namespace

wr_metrics* wr_metrics_open(const char* plugin, const char* directory, const wr_label* labels, size_t label_count) {
    return guarded([&] { return new wr_metrics{plugin, directory, labels_of(labels, label_count)}; });
}

void wr_metrics_stop(wr_metrics* metrics) { metrics->stop(); }

void wr_metrics_close(wr_metrics* metrics) { delete metrics; }

const char* wr_metrics_last_error(void) { return last_error.data(); }

void wr_metrics_path(const wr_metrics* metrics, char* text, size_t size) {
    copy(metrics->of_server([](const wr::Server& server) { return server.path(); }), text, size);
}

void wr_metrics_problem(const wr_metrics* metrics, char* text, size_t size) {
    copy(metrics->of_server([](const wr::Server& server) { return server.problem(); }), text, size);
}

wr::Registry* wr_metrics_registry(wr_metrics* metrics) { return &metrics->registry; }

size_t wr_metrics_page(const wr_metrics* metrics, bool open_metrics, char* text, size_t size) {
    return guarded([&] {
        const std::string page = metrics->registry.text(open_metrics ? wr::Format::open_metrics : wr::Format::text);
        copy(page, text, size);
        return page.size();
    });
}

wr_counter* wr_metrics_add_counter(wr_metrics* metrics, const char* name, const char* help, const wr_label* labels,
                                   size_t label_count) {
    return guarded([&] {
        return handle_of<wr_counter>(metrics->registry.counter(name, help, labels_of(labels, label_count)));
    });
}

wr_gauge* wr_metrics_add_gauge(wr_metrics* metrics, const char* name, const char* help, const wr_label* labels,
                               size_t label_count) {
    return guarded([&] {
        return handle_of<wr_gauge>(metrics->registry.gauge(name, help, labels_of(labels, label_count)));
    });
}

wr_histogram* wr_metrics_add_histogram(wr_metrics* metrics, const char* name, const char* help, const double* bounds,
                                       size_t bound_count, const wr_label* labels, size_t label_count) {
    return guarded([&] {
        const std::vector<double> all(bounds, bounds + bound_count);
        return handle_of<wr_histogram>(metrics->registry.histogram(name, help, all, labels_of(labels, label_count)));
    });
}

size_t wr_render_time_bounds(double* bounds, size_t size) { return copy_bounds(wr::render_time_bounds(), bounds, size); }
size_t wr_ffi_call_bounds(double* bounds, size_t size) { return copy_bounds(wr::ffi_call_bounds(), bounds, size); }

wr_audio* wr_metrics_add_audio(wr_metrics* metrics, size_t channels) {
    return guarded([&] {
        metrics->audio.push_back(std::make_unique<wr_audio>(metrics->registry, channels));
        return metrics->audio.back().get();
    });
}

wr_ffi_function* wr_metrics_add_ffi_function(wr_metrics* metrics, const char* function, int ok, const wr_ffi_code* errors,
                                             size_t error_count) {
    return guarded([&] {
        wr::FfiCodes codes{ok, {}};
        for (std::size_t index = 0; index < error_count; ++index) {
            codes.errors.emplace_back(errors[index].code, errors[index].name);
        }
        metrics->functions.push_back(std::make_unique<wr::FfiFunction>(metrics->registry, function, codes));
        return handle_of<wr_ffi_function>(*metrics->functions.back());
    });
}

bool wr_metrics_add_deployment_version(wr_metrics* metrics, const char* version) {
    return guarded([&] {
        wr::add_deployment_version(metrics->registry, version);
        return true;
    });
}

bool wr_metrics_add_memory(wr_metrics* metrics) {
    return guarded([&] {
        wr::add_memory_metrics(metrics->registry);
        return true;
    });
}

void wr_counter_inc(wr_counter* counter, uint64_t amount) { metric_of(counter).inc(amount); }
void wr_gauge_set(wr_gauge* gauge, double value) { metric_of(gauge).set(value); }
void wr_gauge_add(wr_gauge* gauge, double amount) { metric_of(gauge).add(amount); }
void wr_histogram_observe(wr_histogram* histogram, double value) { metric_of(histogram).observe(value); }

void wr_audio_prepare(wr_audio* audio, double sample_rate, int frames) { audio->metrics.prepare(sample_rate, frames); }
void wr_audio_begin(wr_audio* audio, int frames) { audio->block.emplace(audio->metrics, frames); }
void wr_audio_end(wr_audio* audio) { audio->block.reset(); }
void wr_audio_add_channel_seconds(wr_audio* audio, size_t channel, double seconds) {
    audio->metrics.add_channel_seconds(channel, seconds);
}

double wr_now(void) { return std::chrono::duration<double>(wr::Clock::now().time_since_epoch()).count(); }

void wr_ffi_function_observe(wr_ffi_function* function, double seconds, int code) {
    metric_of(function).observe(seconds, code);
}
