"""Write the table of all rules in docs/check.md anew, from what `newsletter check --list` says.

python docs/list_rules.py
"""

import json
import re
import subprocess
import sys
from pathlib import Path

TARGET = Path(__file__).parent / "check.md"
HEADING = "## All rules\n"


def table() -> str:
    """The rules as a table in Markdown, in the order in which the command lists them."""
    command = [sys.executable, "-m", "newsletter", "check", "--list", "--format", "json"]
    listed = subprocess.run(command, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
    rows = ["| rule | level | why | what to do |", "|---|---|---|---|"]
    for rule in map(json.loads, listed.splitlines()):
        why, how = (re.sub(r"[|<\[]", r"\\\g<0>", rule[name]) for name in ("why", "how"))
        rows.append(f"| `{rule['rule']}` | {rule['level']} | {why} | {how} |")
    return "\n".join(rows)


def main() -> None:
    before, heading, after = TARGET.read_text(encoding="utf-8").partition(HEADING)
    intro = after.partition("\n|")[0]
    TARGET.write_text(f"{before}{heading}{intro}\n{table()}\n", encoding="utf-8")


if __name__ == "__main__":
    main()
