#ifndef WHITE_ROOM_METRICS_H
#define WHITE_ROOM_METRICS_H

/*
 * The metrics of white_room/metrics.hpp as plain C, for C, Swift, Python and whatever else calls C functions.
 *
 * Made by wr_metrics_open and its wr_metrics_add_... functions, which allocate and return NULL when they fail, for the
 * reason that wr_metrics_last_error gives. What they return belongs to the wr_metrics and ends with wr_metrics_close.
 * The functions marked "real-time safe" allocate nothing, take no lock and make no system call.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define WR_API __attribute__((visibility("default")))
#else
#define WR_API
#endif

#ifdef __cplusplus
namespace white_room {
inline namespace v1 {
class Registry;
}
}  // namespace white_room
extern "C" {
#endif

typedef struct wr_metrics wr_metrics;
typedef struct wr_counter wr_counter;
typedef struct wr_gauge wr_gauge;
typedef struct wr_histogram wr_histogram;
typedef struct wr_audio wr_audio;
typedef struct wr_ffi_function wr_ffi_function;

/* A label, or the name of a result code. Texts are UTF-8 and are copied. */
typedef struct wr_label {
    const char *name;
    const char *value;
} wr_label;

typedef struct wr_ffi_code {
    int code;
    const char *name;
} wr_ffi_code;

/* Starts to serve. Without a `plugin` (NULL) there is no socket, for a program that sends its page on its own way.
 * `directory` may be NULL: $WHITE_ROOM_SOCKET_DIR, or the first usable one of the platform's.
 * `labels` are those of every series, such as service and environment. */
WR_API wr_metrics *wr_metrics_open(const char *plugin, const char *directory, const wr_label *labels, size_t label_count);

/* Stops to serve and removes the socket, before the program exits. What was added stays valid. Waits for no client. */
WR_API void wr_metrics_stop(wr_metrics *metrics);

/* Stops to serve, removes the socket, and frees all that was added. Waits for no client. NULL is ignored. */
WR_API void wr_metrics_close(wr_metrics *metrics);

/* Why the last call that failed on this thread did; empty if none has. */
WR_API const char *wr_metrics_last_error(void);

/* Copy the socket's path (empty while there is none), or why there is none, cut to `size` bytes with the final zero. */
WR_API void wr_metrics_path(const wr_metrics *metrics, char *text, size_t size);
WR_API void wr_metrics_problem(const wr_metrics *metrics, char *text, size_t size);

/* Copies the page that is served, in Prometheus text 0.0.4 or OpenMetrics 1.0, cut to `size` bytes with the final zero.
 * Returns the length of the whole page. */
WR_API size_t wr_metrics_page(const wr_metrics *metrics, bool open_metrics, char *text, size_t size);

/* The same name and labels again give the same metric. A counter's name ends in _total. */
WR_API wr_counter *wr_metrics_add_counter(wr_metrics *metrics, const char *name, const char *help, const wr_label *labels,
                                          size_t label_count);
WR_API wr_gauge *wr_metrics_add_gauge(wr_metrics *metrics, const char *name, const char *help, const wr_label *labels,
                                      size_t label_count);
/* `bounds` are the upper bounds of the buckets, strictly ascending, at most 32. */
WR_API wr_histogram *wr_metrics_add_histogram(wr_metrics *metrics, const char *name, const char *help,
                                              const double *bounds, size_t bound_count, const wr_label *labels,
                                              size_t label_count);
/* The bounds of render times and of FFI calls, in seconds. Copies at most `size`, and returns how many there are. */
WR_API size_t wr_render_time_bounds(double *bounds, size_t size);
WR_API size_t wr_ffi_call_bounds(double *bounds, size_t size);
/* Render time, xruns, buffer duration and load per channel of one audio callback. To be added once. */
WR_API wr_audio *wr_metrics_add_audio(wr_metrics *metrics, size_t channels);
/* Calls, durations and errors of one function; a code that is neither `ok` nor named counts as "other". */
WR_API wr_ffi_function *wr_metrics_add_ffi_function(wr_metrics *metrics, const char *function, int ok,
                                                    const wr_ffi_code *errors, size_t error_count);
/* The deployed version of the app or server, which `labels` of wr_metrics_open name as `service`. False when it fails. */
WR_API bool wr_metrics_add_deployment_version(wr_metrics *metrics, const char *version);
/* Memory of this process. False when it fails. */
WR_API bool wr_metrics_add_memory(wr_metrics *metrics);

/* Real-time safe, from any thread. */
WR_API void wr_counter_inc(wr_counter *counter, uint64_t amount);
WR_API void wr_gauge_set(wr_gauge *gauge, double value);
#if defined(__GNUC__) && !defined(__cplusplus)
/* Does the same without a call, which would take three times as long as the store itself. */
static inline void wr_gauge_store(wr_gauge *gauge, double value) {
    __atomic_store((double *)gauge, &value, __ATOMIC_RELAXED);
}
#endif
WR_API void wr_gauge_add(wr_gauge *gauge, double amount);
WR_API void wr_histogram_observe(wr_histogram *histogram, double value);

/* Real-time safe. Sample rate in frames a second, frames of a buffer; begin and end on the audio thread. */
WR_API void wr_audio_prepare(wr_audio *audio, double sample_rate, int frames);
WR_API void wr_audio_begin(wr_audio *audio, int frames);
WR_API void wr_audio_end(wr_audio *audio);
/* Between wr_audio_begin and wr_audio_end: the time of one channel, counted from 0. */
WR_API void wr_audio_add_channel_seconds(wr_audio *audio, size_t channel, double seconds);

/* Real-time safe. Seconds of a monotonic clock, for the durations that the functions here take. */
WR_API double wr_now(void);
WR_API void wr_ffi_function_observe(wr_ffi_function *function, double seconds, int code);

#ifdef __cplusplus
/* The registry behind it, so that C++ built with the same headers adds its metrics to the same page and socket. */
WR_API white_room::Registry *wr_metrics_registry(wr_metrics *metrics);
}
#endif

#endif
