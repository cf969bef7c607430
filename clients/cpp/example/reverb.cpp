// A plugin as JUCE makes them, without JUCE: what is measured, and where the calls stand. Runs for a few seconds, or for
// as many as its argument says; see it with `curl --unix-socket FILE http://plugin/metrics`.

#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include <white_room/metrics.hpp>

// What juce::AudioBuffer<float> is to this example.
class AudioBuffer {
public:
    AudioBuffer(int channels, int samples)
        : samples_{samples}, data_(static_cast<std::size_t>(channels), std::vector<float>(static_cast<std::size_t>(samples))) {}
    [[nodiscard]] int getNumChannels() const { return static_cast<int>(data_.size()); }
    [[nodiscard]] int getNumSamples() const { return samples_; }
    float* getWritePointer(int channel) { return data_[static_cast<std::size_t>(channel)].data(); }

private:
    int samples_;
    std::vector<std::vector<float>> data_;
};

constexpr int SCH_OK = 0;
constexpr int SCH_ERR_REJECTED = 1;
constexpr int SCH_ERR_PARSE_FAILED = 2;

class ReverbProcessor {
public:
    void prepareToPlay(double sampleRate, int samplesPerBlock) { audio.prepare(sampleRate, samplesPerBlock); }

    // On the audio thread: nothing here allocates, locks or calls the system.
    void processBlock(AudioBuffer& buffer) {
        const auto block = audio.block(buffer.getNumSamples());
        for (int channel = 0; channel < buffer.getNumChannels(); ++channel) {
            const auto timer = audio.channel(static_cast<std::size_t>(channel));
            float* const samples = buffer.getWritePointer(channel);
            for (int i = 0; i < buffer.getNumSamples(); ++i) {
                samples[i] = 0.5f * samples[i] + 0.25f;
            }
        }
    }

    // What the front end calls through the C FFI.
    int loadSong(const std::string& json) {
        return loadSongCalls.measure([&] {
            if (json.empty()) {
                return SCH_ERR_REJECTED;
            }
            return json.front() == '{' ? SCH_OK : SCH_ERR_PARSE_FAILED;
        });
    }

    [[nodiscard]] const white_room::Server& metricsServer() const { return server; }

private:
    // An instance's own registry; the server stands last, so that it ends first.
    white_room::Registry registry;
    white_room::AudioMetrics audio{registry, 2};
    white_room::FfiFunction loadSongCalls{
        registry,
        "sch_engine_load_song",
        {SCH_OK, {{SCH_ERR_REJECTED, "SCH_ERR_REJECTED"}, {SCH_ERR_PARSE_FAILED, "SCH_ERR_PARSE_FAILED"}}}};
    white_room::Server server{registry, "reverb"};
};

int main(int argc, char** argv) {
    const auto seconds = std::chrono::seconds{argc > 1 ? std::atoi(argv[1]) : 5};
    constexpr double sampleRate = 48000;
    AudioBuffer buffer{2, 128};
    ReverbProcessor processor;
    processor.prepareToPlay(sampleRate, buffer.getNumSamples());

    const auto period = std::chrono::duration<double>{buffer.getNumSamples() / sampleRate};
    const auto end = std::chrono::steady_clock::now() + seconds;
    while (std::chrono::steady_clock::now() < end) {
        processor.processBlock(buffer);
        processor.loadSong("{}");
        std::this_thread::sleep_for(period);
    }
    const std::string problem = processor.metricsServer().problem();
    std::cout << (problem.empty() ? "served at " + processor.metricsServer().path() : problem) << '\n';
}
