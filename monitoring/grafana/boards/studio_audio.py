"""The dashboard of studio audio: is sound running, when did it last drop out, and what did the machine do then."""

from __future__ import annotations

from monitoring.grafana.boards import incidents, limits, links, panels, shared, units
from monitoring.grafana.boards.board import Row, board
from monitoring.grafana.boards.queries import buckets, lines, now, rows, series
from monitoring.grafana.boards.variables import DEVICE, HOST

_DROPOUTS = 'increase(audio_engine_xruns_total{source="device",@device}[$__range])'

_OVERVIEW = Row(
    "Is sound running?",
    [
        incidents.strip(),
        panels.number(
            "Running devices",
            "Devices that ran a cycle within the last two seconds.",
            series("sum(max by (host, device) (audio_device_up{@device}))"),
            unit=units.COUNT,
            limit=limits.UP,
            decimals=0,
        ),
        panels.number(
            "Last dropout",
            "The time of the last dropout within the dashboard's time, of any chosen device. Its resolution is a 240th "
            "of that time.",
            now(
                'max(max_over_time(((increase(audio_engine_xruns_total{source="device",@device}[$__rate_interval]) '
                "> bool 0) * time())[$__range:$__interval]) > 0) * 1000"
            ),
            unit=units.DATE_TIME_FROM_NOW,
            no_data="no dropout",
        ),
        panels.number(
            "Dropouts",
            "Dropouts within the dashboard's time. Each counts once. A continuous dropout counts once per second.",
            now(f"sum({_DROPOUTS})"),
            unit=units.COUNT,
            limit=limits.at_most(1),
            decimals=0,
        ),
        panels.number(
            "DSP load",
            "Share of each buffer's duration that the audio graph uses. DspLoadHigh fires at 80 %.",
            series("max(audio_device_dsp_load_ratio{@device})"),
            unit=units.RATIO,
            limit=limits.at_most(0.8),
            decimals=1,
        ),
        panels.number(
            "Buffer duration",
            "Duration of the shortest buffer: the deadline of rendering.",
            series("min(audio_device_buffer_duration_seconds{@device})"),
            unit=units.SECONDS,
            decimals=2,
        ),
        panels.number(
            "Latency",
            "Input and output latency that the audio server reports, of the slowest device.",
            series("max(sum by (host, device) (audio_device_latency_seconds{@device}))"),
            unit=units.SECONDS,
            decimals=1,
        ),
        panels.bar_list(
            "Ten most affected studios",
            "Dropouts within the dashboard's time by machine. A click opens the machine.",
            now(f"topk(10, sum by (host) ({_DROPOUTS}) > 0)", "{{host}}"),
            unit=units.COUNT,
            decimals=0,
            no_data="no dropout",
            link=links.to(
                "Show ${__field.labels.host}", "/d/wr-audio?var-host=${__field.labels.host}&${__url_time_range}"
            ),
        ),
        panels.bar_list(
            "Plugins closest to their deadline",
            "Highest P99 render time within the dashboard's time, as a share of the buffer duration.",
            now(
                "topk(10, max_over_time(host_plugin:render_deadline:ratio_rate1m{@host}[$__range]))",
                "{{plugin}} on {{host}}",
            ),
            unit=units.RATIO,
            decimals=1,
        ),
        panels.states(
            "Measurement",
            "How each device is watched. Measured: the probe runs. Backs off: the probe rests on a busy machine, and "
            "retries. Passive only: the probe is off. Without the probe, timing and levels are missing; xruns "
            "and DSP load are not. Not watched: no observer.",
            series("host_device:audio_coverage:level{@device}", "{{host}} {{device}}"),
            words=limits.COVERAGE,
            worst=True,
        ),
    ],
)


_CAUSES = Row(
    "Causes of dropouts",
    [
        panels.graph(
            "Dropouts by cause",
            "Dropouts of these devices by cause, as the agents explain them. `unknown` is a dropout without evidence.",
            series(
                "sum by (cause) (increase(audio_dropouts_by_cause_total{@device}[$__rate_interval])) > 0", "{{cause}}"
            ),
            unit=units.COUNT,
            width=12,
            bars=True,
            stacked=True,
        ),
        panels.listing(
            "Causes by device",
            "Dropouts within the dashboard's time by device and cause. `wr-agent dropouts` lists each one.",
            rows(
                "round(sum by (host, device, cause) (increase(audio_dropouts_by_cause_total{@device}[$__range]))) > 0"
            ),
            {"host": "Host", "device": "Device", "cause": "Cause", "Value": "Dropouts"},
            no_data="no dropout",
        ),
        panels.log_lines(
            "Explained dropouts",
            "One sentence for each dropout, from the agents' own logs. They need a log source that reads them, such as "
            "the journal.",
            lines('{host=~"$host"} |= "audio dropped out" | json | line_format "{{.device}}: {{.reason}}"'),
        ),
    ],
)


_TIMING = Row(
    "Timing and dropouts",
    [
        panels.distribution(
            "Buffer interval",
            "Time between two buffers. A good device is one thin line at its deadline.",
            buckets("sum by (le) (increase(audio_device_buffer_interval_seconds_bucket{@device}[$__rate_interval]))"),
            units.SECONDS,
            width=24,
        ),
        panels.graph(
            "Dropouts per minute",
            "Dropouts of one minute. A long range shows the worst minute of each step. Each dropout counts once. A "
            "continuous dropout counts once per second. AudioDropouts fires at the line.",
            series("max_over_time(host_device:dropouts:increase1m{@device}[$__interval])", "{{host}} {{device}}"),
            unit=units.COUNT,
            limit=limits.at_most(3),
            width=12,
            bars=True,
        ),
        panels.graph(
            "Buffer jitter (P99)",
            "P99 deviation of a buffer from its time, and the deadline.",
            series("host_device:buffer_jitter_seconds:p99_rate1m{@device}", "{{host}} {{device}} P99"),
            series("max by (host, device) (audio_device_buffer_duration_seconds{@device})", "{{host}} deadline"),
            unit=units.SECONDS,
            width=12,
        ),
        panels.graph(
            "Xrun observations",
            "Observations per minute of all chosen devices by observer and kind. Several observers see one dropout.",
            series(
                "sum by (observer, kind) (rate(audio_device_xrun_observations_total{@device}[$__rate_interval])) * 60",
                "{{observer}} {{kind}}",
            ),
            unit=units.NUMBER,
            width=12,
        ),
        panels.graph(
            "Late and lost buffers",
            "Buffers per minute that arrived more than half a deadline late, and that never arrived.",
            series(
                "sum by (host) (rate(audio_device_late_buffers_total{@device}[$__rate_interval])) * 60",
                "{{host}} late",
            ),
            series(
                "sum by (host) (rate(audio_device_lost_buffers_total{@device}[$__rate_interval])) * 60",
                "{{host}} lost",
            ),
            unit=units.NUMBER,
            width=12,
        ),
    ],
)


_LOADS = Row(
    "Audio graph and plugins",
    [
        panels.graph(
            "DSP load and render time",
            "Share of the buffer duration that the audio graph uses, and P99 render time of each plugin. DspLoadHigh "
            "and BufferDeadlineAtRisk fire above the line.",
            series("audio_device_dsp_load_ratio{@device}", "{{host}} graph"),
            series("host_plugin:render_deadline:ratio_rate1m{@host}", "{{host}} {{plugin}}"),
            unit=units.RATIO,
            limit=limits.at_most(0.8),
        ),
        shared.channels(),
        panels.states(
            "Plugins",
            "Plugins that respond to the agent. PluginNotAnswering fires after 30 seconds of red.",
            series(
                "max by (host, plugin, plugin_instance) (wr_agent_plugin_up{@host})",
                "{{host}} {{plugin}} {{plugin_instance}}",
            ),
            worst=True,
        ),
    ],
)


_LEVELS = Row(
    "Levels",
    [
        panels.graph(
            "Peak level",
            "Highest level of the last 10 seconds in dB of full scale. Silence is shown as -120 dB.",
            series(
                "20 * log10(clamp_min(max by (host, channel) (audio_channel_peak_ratio{@device}), 0.000001))",
                "{{host}} channel {{channel}}",
            ),
            unit=units.DECIBEL,
        ),
        panels.graph(
            "RMS level",
            "RMS level of the last 10 seconds in dB of full scale. Silence is shown as -120 dB.",
            series(
                "20 * log10(clamp_min(max by (host, channel) (audio_channel_rms_ratio{@device}), 0.000001))",
                "{{host}} channel {{channel}}",
            ),
            unit=units.DECIBEL,
        ),
        panels.graph(
            "Silence",
            "Duration of digital silence by channel.",
            series("max by (host, channel) (audio_channel_silent_seconds{@device})", "{{host}} channel {{channel}}"),
            unit=units.SECONDS,
        ),
        panels.graph(
            "Clipped samples",
            "Samples per second at full scale. AudioClipping fires above the line after a minute.",
            series(
                "sum by (host, channel) (rate(audio_channel_clipped_samples_total{@device}[$__rate_interval]))",
                "{{host}} channel {{channel}}",
            ),
            unit=units.PER_SECOND,
            limit=limits.at_most(100),
        ),
    ],
)


_MACHINE = Row(
    "Machine",
    [
        shared.pressure(),
        panels.graph(
            "CPU and memory usage",
            "Share of CPU time and of memory in use.",
            series("host:cpu_busy:ratio_rate1m{@host}", "{{host}} CPU"),
            series("host:memory_used:ratio{@host}", "{{host}} memory"),
            unit=units.RATIO,
            limit=limits.at_most(0.9),
        ),
        panels.graph(
            "Interrupts and context switches",
            "Interrupts and context switches per second.",
            series("sum by (host) (rate(node_intr_total{@host}[$__rate_interval]))", "{{host}} interrupts"),
            series(
                "sum by (host) (rate(node_context_switches_total{@host}[$__rate_interval]))",
                "{{host}} context switches",
            ),
            unit=units.PER_SECOND,
        ),
    ],
)


_MEASUREMENT = Row(
    "Audio measurement",
    [
        panels.listing(
            "Observers",
            "The observers of each device and their host API.",
            rows("max by (host, device, host_api, observer) (audio_device_info{@device})"),
            {"host": "Host", "device": "Device", "host_api": "Host API", "observer": "Observer"},
            width=8,
        ),
        panels.graph(
            "Probe load",
            "Share of the buffer duration that the agent's own callback uses.",
            series("max by (host) (wr_agent_audio_probe_load_ratio{@host})", "{{host}}"),
            unit=units.RATIO,
        ),
        panels.graph(
            "Probe restarts",
            "Restarts of the probe within 15 minutes. AudioProbeRestarts fires above the line.",
            series("sum by (host) (increase(wr_agent_audio_probe_restarts_total{@host}[15m]))", "{{host}}"),
            unit=units.COUNT,
            limit=limits.at_most(3),
        ),
    ],
)


_LOGS = Row("Logs", [panels.log_lines("Log lines", "All log lines of the machine.", lines('{host=~"$host"}'))])

DASHBOARD = board(
    "wr-audio",
    "Studio Audio",
    "The audio devices of studio machines, their plugins and their load on one time axis.",
    [HOST, DEVICE],
    [_OVERVIEW, _CAUSES, _TIMING, _LOADS, _LEVELS, _MACHINE, _MEASUREMENT, _LOGS],
    span="now-30m",
)
