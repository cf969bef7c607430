/* The C interface from C. Run by ctest with a directory as argument; leaves nothing there. */

#include <stdio.h>
#include <string.h>

#include <white_room/metrics.h>

#define CHECK(condition)                                                        \
    if (!(condition)) {                                                         \
        fprintf(stderr, "%s:%d: not: %s\n", __FILE__, __LINE__, #condition);    \
        return 1;                                                               \
    }

int main(int argc, char **argv) {
    const wr_label service = {"service", "juce-backend"};
    const wr_label kind = {"kind", "draft"};
    const wr_ffi_code rejected = {1, "SCH_ERR_REJECTED"};
    const double bounds[] = {0.1, 1.0};
    const double descending[] = {1.0, 0.1};
    char text[16];

    CHECK(argc == 2);
    CHECK(wr_metrics_open("not a name", argv[1], NULL, 0) == NULL);
    CHECK(strstr(wr_metrics_last_error(), "not a name") != NULL);

    wr_metrics *unserved = wr_metrics_open(NULL, NULL, &service, 1);
    CHECK(unserved && wr_metrics_add_gauge(unserved, "active_sessions", "Sessions.", NULL, 0));
    CHECK(wr_metrics_page(unserved, false, NULL, 0) > 0);
    wr_metrics_path(unserved, text, sizeof text);
    CHECK(strlen(text) == 0);
    wr_metrics_problem(unserved, text, sizeof text);
    CHECK(strlen(text) == 0);
    wr_metrics_stop(unserved);
    wr_metrics_close(unserved);

    wr_metrics *metrics = wr_metrics_open("c-plugin", argv[1], &service, 1);
    CHECK(metrics != NULL);
    wr_counter *counter = wr_metrics_add_counter(metrics, "songs_created_total", "Songs.", &kind, 1);
    wr_gauge *gauge = wr_metrics_add_gauge(metrics, "active_sessions", "Sessions.", NULL, 0);
    wr_histogram *histogram = wr_metrics_add_histogram(metrics, "export_duration_seconds", "Export.", bounds, 2, NULL, 0);
    wr_audio *audio = wr_metrics_add_audio(metrics, 2);
    wr_ffi_function *function = wr_metrics_add_ffi_function(metrics, "sch_engine_load_song", 0, &rejected, 1);
    CHECK(counter && gauge && histogram && audio && function);
    CHECK(wr_metrics_add_memory(metrics));
    CHECK(wr_metrics_add_deployment_version(metrics, "1.2.3"));
    CHECK(wr_metrics_add_gauge(metrics, "songs_created_total", "Songs.", NULL, 0) == NULL);
    CHECK(wr_metrics_add_histogram(metrics, "other_seconds", "Other.", descending, 2, NULL, 0) == NULL);

    wr_counter_inc(counter, 2);
    wr_gauge_set(gauge, 5);
    wr_gauge_store(gauge, 3);
    wr_gauge_add(gauge, -1);
    wr_histogram_observe(histogram, 0.5);
    wr_audio_prepare(audio, 48000, 128);
    wr_audio_begin(audio, 128);
    wr_audio_add_channel_seconds(audio, 0, 0.001);
    wr_audio_end(audio);
    wr_ffi_function_observe(function, wr_now() - wr_now(), 1);

    memset(text, 'x', sizeof text);
    wr_metrics_path(metrics, text, sizeof text);
    CHECK(strlen(text) < sizeof text);
    wr_metrics_problem(metrics, text, sizeof text);
    CHECK(strlen(text) == 0);

    CHECK(wr_metrics_page(metrics, true, NULL, 0) > sizeof text);
    CHECK(wr_metrics_page(metrics, false, text, sizeof text) > strlen(text));
    CHECK(strncmp(text, "# HELP ", 7) == 0);
    wr_metrics_stop(metrics);
    wr_counter_inc(counter, 1);
    wr_metrics_path(metrics, text, sizeof text);
    CHECK(strlen(text) == 0);
    wr_metrics_close(metrics);
    wr_metrics_close(NULL);
    return 0;
}
