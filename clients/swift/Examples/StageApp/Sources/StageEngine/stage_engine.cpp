// An engine in C++ that counts in the registry of the Swift app that contains it.

#include "stage_engine.h"

#include <exception>
#include <string>
#include <vector>

#include <white_room/metrics.hpp>

struct stage_engine {
    explicit stage_engine(white_room::Registry& registry) : audio{registry, 2} { audio.prepare(48000, frames); }

    static constexpr int frames = 128;
    white_room::AudioMetrics audio;
    std::vector<float> samples = std::vector<float>(frames, 0.5f);
    std::string song;
};

stage_engine* stage_engine_create(wr_metrics* metrics) {
    try {
        return new stage_engine{*wr_metrics_registry(metrics)};
    } catch (const std::exception&) {
        return nullptr;
    }
}

void stage_engine_destroy(stage_engine* engine) { delete engine; }

void stage_engine_render(stage_engine* engine) {
    const auto block = engine->audio.block(stage_engine::frames);
    for (std::size_t channel = 0; channel < 2; ++channel) {
        const auto timer = engine->audio.channel(channel);
        for (float& sample : engine->samples) {
            sample = 0.5f * sample + 0.25f;
        }
    }
}

int sch_engine_load_song(stage_engine* engine, const char* json) {
    engine->song = json;
    if (engine->song.empty()) {
        return SCH_ERR_REJECTED;
    }
    return engine->song.front() == '{' ? SCH_OK : SCH_ERR_PARSE_FAILED;
}
