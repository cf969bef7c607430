"""ALSA without opening a device: what `/proc/asound` shows."""
