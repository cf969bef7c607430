"""The kernel recorder: a program of its own, which runs as root and does one thing.

It records the kernel's scheduling events in memory, stops the record when the agent asks, and hands out a window of it.
It reads no file of a user, writes none outside tracefs and its socket's folder, and parses nothing but one short line.
It uses the standard library only, so that these few files are all that root has to trust.
"""
