"""The backend that the README shows keeps every promise of a backend."""

import re
from pathlib import Path
from typing import Any

import pytest

from newsletter.deliver.backend import Backend
from newsletter.errors import Deferred, Refused
from newsletter.settings import Table
from tests.conftest import ROOT
from tests.deliver.contract import BackendContract, Carrier, Commits, a_message


def readme_code() -> str:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    assert len(blocks) == 1
    return str(blocks[0])


def program(folder: Path, script: str) -> Backend:
    path = folder / "carry"
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(0o755)
    names: dict[str, Any] = {}
    exec(readme_code(), names)
    table = Table({"program": str(path)}, name="backends.pipe", root=folder)
    backend = names["PipeBackend"].configured(table)
    assert isinstance(backend, Backend)
    return backend


class TestReadmeBackend(BackendContract):
    @pytest.fixture
    def carrier(self, tmp_path: Path) -> Carrier:
        box = tmp_path / "box"
        box.mkdir()
        backend = program(tmp_path, f"cat > $(mktemp {box}/XXXXXX)")
        return Carrier(backend=backend, arrived=lambda: [mail.read_bytes() for mail in sorted(box.iterdir())])


def test_it_has_about_twenty_lines_of_code() -> None:
    lines = [
        line
        for line in readme_code().splitlines()
        if line.strip() and not line.strip().startswith(("#", '"'))
    ]
    assert len(lines) <= 23


@pytest.mark.parametrize(("code", "error"), [(75, Deferred), (1, Refused)])
def test_what_the_program_says_becomes_the_outcome(tmp_path: Path, code: int, error: type[Exception]) -> None:
    with pytest.raises(error):
        program(tmp_path, f"exit {code}").send(a_message(), Commits())
