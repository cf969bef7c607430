from pathlib import Path

import pytest

from collectors.logs.files.labels import file_labels

ID = "4f1c" * 16


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/var/log/app.log", {}),
        (
            f"/var/log/pods/studio_mixer-7d9_{ID[:8]}/engine/0.log",
            {"namespace": "studio", "pod": "mixer-7d9", "container": "engine"},
        ),
        (
            f"/var/log/containers/mixer-7d9_studio_engine-{ID}.log",
            {"namespace": "studio", "pod": "mixer-7d9", "container": "engine"},
        ),
        (f"/var/lib/docker/containers/{ID}/{ID}-json.log", {"container": ID[:12]}),
        (f"/var/lib/docker/containers/{ID}/other.log", {}),
    ],
)
def test_a_path_says_of_which_container_it_is(path: str, expected: dict[str, str]) -> None:
    assert file_labels(path) == {"filename": path, **expected}


@pytest.mark.parametrize(("content", "name"), [(b'{"ID":"x","Name":"/engine"}', "engine"), (b"{", ID[:12])])
def test_docker_names_its_containers(tmp_path: Path, content: bytes, name: str) -> None:
    folder = tmp_path / "containers" / ID
    folder.mkdir(parents=True)
    (folder / "config.v2.json").write_bytes(content)

    assert file_labels(str(folder / f"{ID}-json.log"))["container"] == name
