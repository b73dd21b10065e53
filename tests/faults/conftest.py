"""What the faults happen to: a house of three readers, and a server of either mode."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.house import LOCKSTEP, PIPELINED, House, Lock, Mode, build, copy_of


@pytest.fixture(params=[PIPELINED, LOCKSTEP], ids=lambda mode: mode.name)
def mode(request: pytest.FixtureRequest) -> Mode:
    found: Mode = request.param
    return found


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("built")
    build(root)
    return root


@pytest.fixture
def house(built: Path, tmp_path: Path) -> Iterator[House]:
    house = House(copy_of(built, tmp_path / "house"))
    yield house
    house.close()


@pytest.fixture
def lock(house: House) -> Iterator[Lock]:
    lock = Lock(house.root)
    yield lock
    lock.close()
