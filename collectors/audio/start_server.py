"""The commands that start a JACK server on this machine."""

from __future__ import annotations

import shlex
from pathlib import Path

from collectors import remedies

SOUND_CARDS = Path("/dev/snd")


def start_jack(name: str) -> tuple[str, ...]:
    """Return the commands that start a JACK server of that name on this machine's sound card."""
    jackd = "jackd" if name == "default" else f"jackd -n {shlex.quote(name)}"
    missing = () if remedies.is_installed("jackd") else remedies.install("jack")
    if remedies.is_macos():
        return (*missing, f"{jackd} -d coreaudio")
    if SOUND_CARDS.exists():
        return (
            *missing,
            remedies.noted(f"{jackd} -d alsa", "as the user who plays; qjackctl is a graphical front end"),
        )
    return (
        f"connect a sound card: the kernel has none, {SOUND_CARDS} does not exist",
        *missing,
        f"{jackd} -d dummy  # a server without a sound card, such as for a render machine",
    )
