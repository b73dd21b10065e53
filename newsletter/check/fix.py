"""What a machine may put right in a file: fixes applied to its text."""

from collections.abc import Sequence

from newsletter.check.rule import Fix


def fixed(text: str, fixes: Sequence[Fix]) -> tuple[str, list[Fix]]:
    """The text with the fixes made, and those made; one that does not find its `old` in its place is left.

    Where two of them meet, the earlier in the text is made, and the other is for the next time.
    """
    lines = text.splitlines(keepends=True)
    done: list[Fix] = []
    for fix in sorted(set(fixes), key=lambda each: (each.place, each.old), reverse=True):
        index, start = fix.place.line - 1, fix.place.column - 1
        if not 0 <= index < len(lines) or not lines[index].startswith(fix.old, start):
            continue
        if done and done[-1].place.line == fix.place.line and start + len(fix.old) >= done[-1].place.column:
            continue
        lines[index] = lines[index][:start] + fix.new + lines[index][start + len(fix.old) :]
        done.append(fix)
    return "".join(lines), done[::-1]
