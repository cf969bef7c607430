from __future__ import annotations

from collectors.host.nfsd import families
from tests.collectors.host.support import Tree, samples_of

OPERATIONS = " ".join(str(number) for number in range(72))  # each operation's count is its number in RFC 7530
TEXT = f"""\
rc 0 0 18622
net 18628 0 18628 6
rpc 18628 0 0 0 0
proc4ops 72 {OPERATIONS}
wdeleg_getattr 16
"""


def test_operations_are_at_their_numbers(tree: Tree) -> None:
    requests = samples_of(families(tree({"proc/net/rpc/nfsd": TEXT})), "node_nfsd_requests_total")
    numbers = {
        "Access": 3,
        "PutFH": 22,
        "Read": 25,
        "SetAttr": 34,
        "SetClientID": 35,
        "SetClientIDConfirm": 36,
        "Verify": 37,
        "Write": 38,
        "RelLockOwner": 39,
    }

    assert {name: requests["4", name] for name in numbers} == numbers
    assert requests["4", "WdelegGetattr"] == 16
