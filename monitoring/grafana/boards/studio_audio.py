"""The dashboard of one studio machine's audio: what was heard, and what the machine did at that time."""

from __future__ import annotations

from monitoring.grafana.boards import limits, panels, shared, units
from monitoring.grafana.boards.board import Row, board
from monitoring.grafana.boards.queries import buckets, lines, now, rows, series
from monitoring.grafana.boards.variables import DEVICE, HOST

_OVERVIEW = Row(
    "At a glance",
    [
        panels.number(
            "Devices that run",
            "Devices that ran a cycle within the last two seconds.",
            now("sum(max by (host, device) (audio_device_up{@device}))"),
            unit=units.COUNT,
            bounds=limits.UP,
        ),
        panels.number(
            "Dropouts",
            "Within the dashboard's time, each counted once; one that goes on, once a second.",
            now('sum(increase(audio_engine_xruns_total{source="device",@device}[$__range]))'),
            unit=units.COUNT,
            bounds=limits.at_most(1),
            decimals=0,
        ),
        panels.number(
            "Graph's load",
            "Share of each buffer's time that the audio graph uses. DspLoadHigh fires at 80 %.",
            now("max(audio_device_dsp_load_ratio{@device})"),
            unit=units.RATIO,
            bounds=limits.at_most(0.8),
            decimals=1,
        ),
        panels.number(
            "Deadline",
            "Duration of one buffer: the time in which it has to be rendered.",
            now("min(audio_device_buffer_duration_seconds{@device})"),
            unit=units.SECONDS,
            decimals=2,
        ),
        panels.number(
            "Latency",
            "As the audio server states it, in and out together.",
            now("max(sum by (host, device) (audio_device_latency_seconds{@device}))"),
            unit=units.SECONDS,
            decimals=1,
        ),
        panels.number(
            "Sample rate",
            "Frames a second that the device plays and records.",
            now("max(audio_device_sample_rate_hertz{@device})"),
            unit=units.HERTZ,
        ),
    ],
)


_TIMING = Row(
    "Timing and dropouts",
    [
        panels.distribution(
            "Time between buffers",
            "How often buffers came at which distance. A good device is one thin line at its deadline.",
            buckets("sum by (le) (increase(audio_device_buffer_interval_seconds_bucket{@device}[$__rate_interval]))"),
            units.SECONDS,
            width=24,
        ),
        panels.graph(
            "Dropouts",
            "Within a minute, each counted once; one that goes on, once a second. AudioDropouts fires at the line.",
            series("host_device:dropouts:increase1m{@device}", "{{host}} {{device}}"),
            unit=units.COUNT,
            bounds=limits.at_most(3),
            width=12,
            bars=True,
        ),
        panels.graph(
            "Jitter",
            "How far one buffer in a hundred was from its time, or farther; and the deadline.",
            series("host_device:buffer_jitter_seconds:p99_rate1m{@device}", "{{host}} {{device}} P99"),
            series("max by (host, device) (audio_device_buffer_duration_seconds{@device})", "{{host}} deadline"),
            unit=units.SECONDS,
            width=12,
        ),
        panels.graph(
            "What observers saw",
            "Observations a minute by observer and kind. One dropout is seen several times.",
            series(
                "sum by (host, observer, kind) "
                "(rate(audio_device_xrun_observations_total{@device}[$__rate_interval])) * 60",
                "{{host}} {{observer}} {{kind}}",
            ),
            unit=units.COUNT,
            width=12,
        ),
        panels.graph(
            "Buffers late and lost",
            "Buffers a minute that came over half a deadline late, and that never came.",
            series(
                "sum by (host) (rate(audio_device_late_buffers_total{@device}[$__rate_interval])) * 60",
                "{{host}} late",
            ),
            series(
                "sum by (host) (rate(audio_device_lost_buffers_total{@device}[$__rate_interval])) * 60",
                "{{host}} lost",
            ),
            unit=units.COUNT,
            width=12,
        ),
    ],
)


_LOADS = Row(
    "The graph and its plugins",
    [
        panels.graph(
            "Load",
            "Share of a buffer's time: of the whole graph, and of one buffer in a hundred of each plugin. "
            "DspLoadHigh and BufferDeadlineAtRisk fire above the line.",
            series("audio_device_dsp_load_ratio{@device}", "{{host}} graph"),
            series("host_plugin:render_deadline:ratio_rate1m{@host}", "{{host}} {{plugin}}"),
            unit=units.RATIO,
            bounds=limits.at_most(0.8),
        ),
        shared.channels(),
        panels.up_or_down(
            "Plugins that answer",
            "Whether each plugin answers the agent. PluginNotAnswering fires after 30 seconds of red.",
            series("max by (host, plugin_instance) (wr_agent_plugin_up{@host})", "{{host}} {{plugin_instance}}"),
        ),
    ],
)


_LEVELS = Row(
    "Levels",
    [
        panels.graph(
            "Peak",
            "Highest magnitude of the last 10 seconds, against full scale; -120 dB stands for silence.",
            series(
                "20 * log10(clamp_min(max by (host, channel) (audio_channel_peak_ratio{@device}), 0.000001))",
                "{{host}} channel {{channel}}",
            ),
            unit=units.DECIBEL,
        ),
        panels.graph(
            "Root mean square",
            "Of the last 10 seconds, against full scale; -120 dB stands for silence.",
            series(
                "20 * log10(clamp_min(max by (host, channel) (audio_channel_rms_ratio{@device}), 0.000001))",
                "{{host}} channel {{channel}}",
            ),
            unit=units.DECIBEL,
        ),
        panels.graph(
            "Silent and clipped",
            "For how many seconds each channel has been digitally silent, and samples a second at full scale.",
            series(
                "max by (host, channel) (audio_channel_silent_seconds{@device})",
                "{{host}} channel {{channel}} silent",
            ),
            series(
                "sum by (host, channel) (rate(audio_channel_clipped_samples_total{@device}[$__rate_interval]))",
                "{{host}} channel {{channel}} clipped",
            ),
            unit=units.COUNT,
        ),
    ],
)


_MACHINE = Row(
    "The machine at that time",
    [
        shared.pressure(),
        panels.graph(
            "Processors and memory",
            "Share of processors' time and of memory in use.",
            series("host:cpu_busy:ratio_rate1m{@host}", "{{host}} processors"),
            series("host:memory_used:ratio{@host}", "{{host}} memory"),
            unit=units.RATIO,
            bounds=limits.at_most(0.9),
        ),
        panels.graph(
            "Interruptions",
            "Interrupts and changes from one task to another, a second.",
            series("sum by (host) (rate(node_intr_total{@host}[$__rate_interval]))", "{{host}} interrupts"),
            series("sum by (host) (rate(node_context_switches_total{@host}[$__rate_interval]))", "{{host}} changes"),
            unit=units.PER_SECOND,
        ),
    ],
)


_MEASUREMENT = Row(
    "The measurement itself",
    [
        panels.listing(
            "Observers",
            "Who watches which device, and through what.",
            rows("max by (host, device, host_api, observer) (audio_device_info{@device})"),
            {"host": "Host", "device": "Device", "host_api": "Through", "observer": "Observer"},
            width=8,
        ),
        panels.graph(
            "Probe's load",
            "Share of a buffer's time that the agent's own callback uses.",
            series("max by (host) (wr_agent_audio_probe_load_ratio{@host})", "{{host}}"),
            unit=units.RATIO,
        ),
        panels.graph(
            "Probe's restarts",
            "Streams that it began anew within 15 minutes. AudioProbeRestarts fires above the line.",
            series("sum by (host) (increase(wr_agent_audio_probe_restarts_total{@host}[15m]))", "{{host}}"),
            unit=units.COUNT,
            bounds=limits.at_most(3),
        ),
    ],
)


_LOGS = Row("Logs", [panels.log_lines("Logs", "Everything that the machine has logged.", lines('{host=~"$host"}'))])

DASHBOARD = board(
    "wr-audio",
    "Studio Audio",
    "A studio machine's audio device, its plugins and its load, on one axis of time.",
    [HOST, DEVICE],
    [_OVERVIEW, _TIMING, _LOADS, _LEVELS, _MACHINE, _MEASUREMENT, _LOGS],
    span="now-30m",
)
