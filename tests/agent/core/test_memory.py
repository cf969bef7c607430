import subprocess
import sys

_KEEP = """
import gc
import weakref

from agent.core import memory


class Part:
    pass


def cycle():
    part = Part()
    part.itself = part
    return part


memory.keep_what_is_loaded()
tracked = len(gc.get_objects())
print("tracked:", tracked < 1000)
old = cycle()
memory.keep_what_is_loaded()
gone = weakref.ref(old)
del old
gc.collect()
print("before the next call:", gone() is not None)
memory.keep_what_is_loaded()
print("after it:", gone() is None)
"""


def test_a_collection_leaves_out_what_is_loaded_until_the_next_call() -> None:
    found = subprocess.run([sys.executable, "-c", _KEEP], capture_output=True, text=True, timeout=60, check=True)

    assert found.stdout == "tracked: True\nbefore the next call: True\nafter it: True\n"
