"""The words between the recorder and the agent, on a Unix socket of type SOCK_SEQPACKET.

The recorder greets each agent with one JSON object: `version` and `error`, which is empty if it records. Then each
request has one reply, in order:

| request | reply |
|---|---|
| `freeze` | `{"frozen_ns": T}`: what happened before `T` cannot be overwritten any more |
| `window START END` | `{"bytes": N}` and the descriptor of a sealed memory file |

`START`, `END` and `T` are nanoseconds of CLOCK_MONOTONIC. A reply may be `{"error": TEXT}` instead. Anything else ends
the connection.

The memory file holds the length of a header (4 bytes, little endian), the header as JSON, and pages of the kernel's
ring buffer as the kernel wrote them. The header has:

- `version`, `start_ns`, `end_ns`: the window.
- `page_bytes`, `head_bytes`: the size of a page and of its head.
- `formats`: the text of `events/SYSTEM/EVENT/format` by `SYSTEM/EVENT`.
- `segments`: for each uninterrupted record `[from, to, time from which no event was overwritten]`, in order of time.
- `pages`: `[segment, processor, number of pages]` in the order of the pages.
"""

from __future__ import annotations

VERSION = 1

SOCKET = "/run/wr-agent-recorder/socket"

REQUEST_BYTES = 64
"""The limit of a request."""

REPLY_BYTES = 4096
"""The limit of a reply, without the memory file."""

EVENTS = (
    "sched/sched_switch",
    "sched/sched_waking",
    "sched/sched_migrate_task",
    "sched/sched_process_exit",
    "task/task_newtask",
    "irq/irq_handler_entry",
    "irq/irq_handler_exit",
    "irq/softirq_entry",
    "irq/softirq_exit",
    "signal/signal_generate",
    "power/cpu_frequency",
)
"""The events that are recorded."""
