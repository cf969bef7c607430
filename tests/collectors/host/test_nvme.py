from __future__ import annotations

from collectors.host.nvme import families
from tests.collectors.host.support import Tree, samples_of

NVME = "sys/class/nvme/nvme0"
CONTROLLER = {
    f"{NVME}/firmware_rev": "1.0 \n",
    f"{NVME}/model": "Studio SSD  \n",
    f"{NVME}/serial": "S1\n",
    f"{NVME}/state": "live\n",
    f"{NVME}/cntlid": "7\n",
}


def _namespace(name: str, **files: str) -> dict[str, str | bytes]:
    of = {"size": "16\n", "queue/logical_block_size": "4096\n", "nuse": "1\n"} | files
    return {f"{NVME}/{name}/{file}": text for file, text in of.items() if text}


def test_a_controller_is_described(tree: Tree) -> None:
    found = families(tree(CONTROLLER))

    assert samples_of(found, "node_nvme_info") == {("nvme0", "1.0", "Studio SSD", "S1", "live", "7"): 1}


def test_sectors_of_the_size_are_512_bytes_and_used_blocks_are_the_namespaces_own(tree: Tree) -> None:
    found = families(tree(CONTROLLER | _namespace("nvme0n1")))
    values = {
        name: samples_of(found, f"node_nvme_namespace_{name}_bytes")
        for name in ("capacity", "size", "used", "logical_block_size")
    }

    assert values == {
        "capacity": {("nvme0", "1"): 8192},
        "size": {("nvme0", "1"): 8192},
        "used": {("nvme0", "1"): 4096},
        "logical_block_size": {("nvme0", "1"): 4096},
    }
    assert samples_of(found, "node_nvme_namespace_info") == {("nvme0", "1", "unknown"): 1}


def test_a_path_to_a_namespace_that_several_controllers_share_is_one(tree: Tree) -> None:
    found = families(tree(CONTROLLER | _namespace("nvme0c1n2", ana_state="optimized\n")))

    assert samples_of(found, "node_nvme_namespace_info") == {("nvme0", "2", "optimized"): 1}


def test_a_namespace_without_a_use_has_no_use(tree: Tree) -> None:
    found = families(tree(CONTROLLER | _namespace("nvme0n1", nuse="")))

    assert samples_of(found, "node_nvme_namespace_used_bytes") == {}
    assert samples_of(found, "node_nvme_namespace_size_bytes") == {("nvme0", "1"): 8192}


def test_other_directories_are_no_namespaces(tree: Tree) -> None:
    found = families(tree(CONTROLLER | _namespace("hwmon3") | _namespace("nvme0n1p1") | {f"{NVME}/power/size": "1"}))

    assert samples_of(found, "node_nvme_namespace_info") == {}
