from pathlib import Path

import pytest

from tests.support.certificates import Authority, Certificate


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def server(authority: Authority) -> Certificate:
    return authority.issue("server")


@pytest.fixture(scope="session")
def client(authority: Authority) -> Certificate:
    return authority.issue("client", "DNS:prometheus.studio.example,URI:spiffe://studio/prometheus")


@pytest.fixture
def web_file(tmp_path: Path) -> Path:
    return tmp_path / "web.yml"
