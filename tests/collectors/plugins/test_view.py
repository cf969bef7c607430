"""The live view of the plugins, over real sockets."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from collectors.metrics import HistogramValue
from collectors.plugins.view import PluginView
from tests.support.plugins import Engine, quickly, watching

StartEngine = Callable[..., Engine]

PAGE = """# TYPE audio_engine_render_time_seconds histogram
audio_engine_render_time_seconds_bucket{le="0.001"} 2
audio_engine_render_time_seconds_bucket{le="+Inf"} 3
audio_engine_render_time_seconds_sum 0.5
audio_engine_render_time_seconds_count 3
# TYPE audio_engine_xruns_total counter
audio_engine_xruns_total{source="engine"} 4
# TYPE audio_engine_buffer_duration_seconds gauge
audio_engine_buffer_duration_seconds 0.01
"""


async def test_a_plugin_has_the_sums_of_its_instances_and_the_shortest_deadline(
    directory: Path, start_engine: StartEngine
) -> None:
    first = start_engine(PAGE, "reverb.1")
    second = start_engine(PAGE.replace("seconds 0.01", "seconds 0.005"), "reverb.2")
    silent = start_engine("# nothing\n", "delay.3")
    async with watching(quickly(directory)) as watch:
        for engine in (first, second, silent):
            await watch.polled(engine)
        delay, reverb = watch.collector.view()

    assert delay == PluginView("delay", 1, 1, None, None, None)
    assert (reverb.name, reverb.up, reverb.instances, reverb.deadline, reverb.xruns) == ("reverb", 2, 2, 0.005, 8)
    assert reverb.render == HistogramValue((0.001,), (4, 2), 1.0)
