"""Fetch what mail clients support (caniemail's data, by npm) and keep what the press needs of it.

python docs/refresh_client_support.py     # writes newsletter/check/data/caniemail.json
"""

import json
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import Any

PACKAGE = "caniemail@2"
SOURCE = "https://www.caniemail.com/"
CLIENTS = {
    "apple-mail": ("macos", "ios"),
    "free-fr": ("desktop-webmail",),
    "gmail": ("desktop-webmail", "ios", "android"),
    "laposte": ("desktop-webmail",),
    "orange": ("desktop-webmail", "ios", "android"),
    "outlook": ("windows", "macos", "outlook-com", "ios", "android"),
    "sfr": ("desktop-webmail", "ios", "android"),
    "yahoo": ("desktop-webmail", "ios", "android"),
}
TARGET = Path(__file__).parent.parent / "newsletter" / "check" / "data" / "caniemail.json"


def fetched(folder: Path) -> dict[str, Any]:
    """The package's data, whole."""
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder), PACKAGE]
    subprocess.run(command, check=True, cwd=folder, stdout=subprocess.PIPE)
    (archive,) = folder.glob("caniemail-*.tgz")
    with tarfile.open(archive) as package:
        file = package.extractfile("package/data/caniemail.json")
        assert file
        data: dict[str, Any] = json.load(file)
    return {**data, "package": archive.stem}


def slimmed(data: dict[str, Any]) -> dict[str, Any]:
    """Each feature's title, and who does not support it whole in the newest version, with the notes why.

    "n" is no, "a" in part, "u" unknown, each followed by the numbers of its notes; who is not named supports
    it. The data lists versions from old to new; their numbers are years in one line and product versions in
    the next.
    """
    features = {}
    for feature in data["data"]:
        support = {}
        for family, platforms in CLIENTS.items():
            for platform in platforms:
                versions = feature["stats"].get(family, {}).get(platform) or {"": "u"}
                value = versions[list(versions)[-1]].replace(" #", " ")
                if not value.startswith("y"):
                    support[f"{family}.{platform}"] = value
        used = {number for value in support.values() for number in value.split()[1:]}
        notes = {number: note for number, note in (feature["notes_by_num"] or {}).items() if number in used}
        features[feature["slug"]] = {"title": feature["title"], "support": support, "notes": notes}
    return {
        "source": SOURCE,
        "package": data["package"],
        "date": data["last_update_date"][:10],
        "licence": "MIT, see caniemail.LICENSE.txt",
        "features": dict(sorted(features.items())),
    }


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = slimmed(fetched(Path(folder)))
    features = data.pop("features")
    head = json.dumps(data, indent=1)[:-2]
    # A line for each feature, so that a refresh can be read as a diff.
    lines = ",\n".join(
        f"  {json.dumps(slug)}: {json.dumps(feature, ensure_ascii=False, separators=(',', ':'))}"
        for slug, feature in features.items()
    )
    TARGET.write_text(f'{head},\n "features": {{\n{lines}\n }}\n}}\n', encoding="utf-8")


if __name__ == "__main__":
    main()
