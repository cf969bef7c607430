"""The audio device: health, deadlines and levels.

Nothing is imported here, because the probe's process must stay small. `collector` runs everything and `config` is the
section `[audio]`. `jack` and `probe` are the two observers. `alsa`, `pipewire` and `macos` read what the platform says.
"""
