#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <white_room/metrics/decimal.hpp>
#include <white_room/metrics/registry.hpp>
#include <white_room/metrics/timer.hpp>

namespace white_room {
inline namespace v1 {

/// Bounds of render times in seconds: dense where deadlines lie (64 to 1,024 frames at 44.1 to 96 kHz), and with the
/// platform's overload limit of 25 ms.
inline std::vector<double> render_time_bounds() {
    return {0.0001, 0.0002, 0.0005, 0.00075, 0.001, 0.0015, 0.002, 0.0025, 0.003,
            0.004,  0.005,  0.0075, 0.01,    0.015, 0.02,   0.025, 0.05,   0.1};
}

/// What an engine says of its audio callback: render time, missed deadlines, the buffer's duration, load per channel.
///
/// Everything but the constructor is real-time safe. One thread renders a block at a time; the channels of a block may
/// be timed on several threads, as long as they end before the block does.
class AudioMetrics {
public:
    /// Adds the time until its destruction to a channel.
    class ChannelTimer {
    public:
        ChannelTimer(AudioMetrics& audio, std::size_t index) noexcept
            : audio_{audio}, index_{index}, start_{Clock::now()} {}
        ~ChannelTimer() { audio_.add_channel_seconds(index_, seconds_since(start_)); }
        ChannelTimer(const ChannelTimer&) = delete;
        ChannelTimer& operator=(const ChannelTimer&) = delete;

    private:
        AudioMetrics& audio_;
        std::size_t index_;
        Clock::time_point start_;
    };

    /// One callback, from its construction to its destruction.
    class Block {
    public:
        Block(AudioMetrics& audio, int frames) noexcept : audio_{audio}, frames_{frames}, start_{Clock::now()} {}
        ~Block() { audio_.finish(frames_, seconds_since(start_)); }
        Block(const Block&) = delete;
        Block& operator=(const Block&) = delete;

    private:
        AudioMetrics& audio_;
        int frames_;
        Clock::time_point start_;
    };

    /// @param channels  how many channels are timed; their label is their number, counted from 1
    AudioMetrics(Registry& registry, std::size_t channels)
        : render_time_{registry.histogram("audio_engine_render_time_seconds",
                                          "Time that the engine took to render one buffer.", render_time_bounds())},
          xruns_{registry.counter("audio_engine_xruns_total", "Dropouts, each counted once.", {{"source", "engine"}})},
          buffer_duration_{registry.gauge("audio_engine_buffer_duration_seconds",
                                          "How long one buffer lasts: the time that there is to render it.")},
          channel_count_{channels},
          channels_{std::make_unique<Channel[]>(channels)} {
        for (std::size_t index = 0; index < channels; ++index) {
            channels_[index].load = &registry.gauge(
                "audio_channel_cpu_usage", "Time spent on a channel as a part of the buffer's duration, over about a second.",
                {{"channel", decimal(index + 1)}});
        }
    }
    AudioMetrics(const AudioMetrics&) = delete;
    AudioMetrics& operator=(const AudioMetrics&) = delete;

    /// To be called when the device starts, as JUCE's `prepareToPlay`.
    /// @param sample_rate  frames a second
    /// @param frames  of a buffer
    void prepare(double sample_rate, int frames) noexcept {
        sample_rate_.store(sample_rate, std::memory_order_relaxed);
        buffer_duration_.set(duration_of(frames));
    }

    /// Measures one callback until the result is destroyed. A buffer that takes longer to render than `frames` last is
    /// an xrun; before `prepare` nothing is, since the deadline is not known.
    [[nodiscard]] Block block(int frames) noexcept { return Block{*this, frames}; }

    /// Times one channel of the block that is under way, counted from 0, until the result is destroyed.
    [[nodiscard]] ChannelTimer channel(std::size_t index) noexcept { return ChannelTimer{*this, index}; }

    /// Adds time to a channel of the block that is under way, counted from 0; one that was not announced is ignored.
    void add_channel_seconds(std::size_t index, double seconds) noexcept {
        if (index < channel_count_) {
            const auto nanoseconds = static_cast<std::int64_t>(seconds * 1e9);
            channels_[index].busy_nanoseconds.fetch_add(nanoseconds, std::memory_order_relaxed);
        }
    }

private:
    struct alignas(cache_line) Channel {
        std::atomic<std::int64_t> busy_nanoseconds{0};  // in this block
        Gauge* load = nullptr;
    };

    [[nodiscard]] double duration_of(int frames) const noexcept {
        const double rate = sample_rate_.load(std::memory_order_relaxed);
        return rate > 0 && frames > 0 ? frames / rate : 0.0;
    }

    void finish(int frames, double elapsed) noexcept {
        const double deadline = duration_of(frames);
        render_time_.observe(elapsed);
        if (deadline > 0) {
            if (elapsed > deadline) {
                xruns_.inc();
            }
            update_loads(deadline);
        }
    }

    /// An exponential average with a time constant of a second: a poll every few seconds sees more than the last block.
    void update_loads(double deadline) noexcept {
        const double weight = std::min(1.0, deadline);
        for (std::size_t index = 0; index < channel_count_; ++index) {
            const auto nanoseconds = channels_[index].busy_nanoseconds.exchange(0, std::memory_order_relaxed);
            const double now = static_cast<double>(nanoseconds) * 1e-9 / deadline;
            Gauge& load = *channels_[index].load;
            load.set(load.value() + weight * (now - load.value()));
        }
    }

    Histogram& render_time_;
    Counter& xruns_;
    Gauge& buffer_duration_;
    std::atomic<double> sample_rate_{0.0};
    const std::size_t channel_count_;
    const std::unique_ptr<Channel[]> channels_;
};

}  // namespace v1
}  // namespace white_room
