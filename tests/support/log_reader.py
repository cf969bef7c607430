"""A program that copies files into one until it is killed: `log_reader.py POSITIONS OUTPUT SEED PATTERN [USER]`.

Each batch becomes one line of JSON, written at once, with short waits before and after, so that a kill hits any moment.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import sys
from pathlib import Path

from collectors.logs.files.generation import ReadLimits
from collectors.logs.files.positions import Positions
from collectors.logs.files.source import FileSettings, FileSource
from collectors.logs.records import Batch


async def main(positions: str, output: str, seed: str, pattern: str) -> None:
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    async def handle(batch: Batch) -> int:
        await asyncio.sleep(chance.choice([0, 0, 0.001, 0.02]))
        record = [[at, text.decode()] for at, text in zip(batch.times, batch.texts, strict=True)]
        os.write(descriptor, json.dumps(record).encode() + b"\n")
        await asyncio.sleep(chance.choice([0, 0, 0.001, 0.02]))
        return len(batch.lines)

    limits = ReadLimits(batch_bytes=chance.choice([1000, 4096, 65536]), flush_after=0.5, linger=1.0)
    settings = FileSettings((pattern,), limits=limits, poll=(1.0, 0.2))
    await FileSource("app", settings, Positions(Path(positions)).load()).run(handle)


if __name__ == "__main__":
    *arguments, user = [*sys.argv[1:], ""][:5]
    if user:
        os.setgroups([])
        os.setgid(int(user))
        os.setuid(int(user))
    asyncio.run(main(*arguments))
