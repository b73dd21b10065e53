"""Statements that run for every message, written once: SQLite's SQL with four words of our own in it.

Each engine spells them in its own way: `THESE(?5)` are the ids in a JSON list, to be written after IN;
`FREE(?5)` those of them whose row of the issue ?1 nobody else is changing at this very moment;
`BY_KEY(state)` is a column by which no rows are to be looked for, since they are found by their key; and
`AFTER(?2, ?3, ?5)` are the rows of the queue that are due at ?2 and follow the reader ?3, up to the reader
?5, in their order.
"""

import re
from functools import lru_cache

_WORD = re.compile(r"(\w+) IN (THESE|FREE)\((\?\d+)\)|BY_KEY\((\w+)\)|AFTER\((\?\d+), (\?\d+), (\?\d+)\)")
_TEXT = re.compile(r"\bTEXT\b")
_NUMBERED = re.compile(r"\?(\d+)")

_DUE = "coalesce(delivery.next_at, 0)"

# A transaction that waits for rows may wait for one that waits for its own. So nobody waits for a row that is
# to be committed: whoever has it just now is another run. Others are gone through in the order of the ids.
_LISTED = "ARRAY(SELECT jsonb_array_elements_text({}::jsonb))"
_UNLOCKED = (
    "ARRAY(SELECT mine.reader_id FROM delivery AS mine WHERE mine.issue_key = $1"
    " AND mine.reader_id = ANY ({}) AND {} FOR NO KEY UPDATE SKIP LOCKED)"
)
# Of an issue that was frozen since the server last took its statistics it believes that there are but a few
# rows, and would go through all of them. The first and the last id are bounds that it cannot overlook.
_BOUND = '(SELECT {}(id COLLATE "C") FROM jsonb_array_elements_text({}::jsonb) AS id)'


@lru_cache
def for_sqlite(statement: str) -> str:
    """A "+" keeps SQLite from going through all unsettled rows by their index."""

    def spelled(word: re.Match[str]) -> str:
        listed, kind, ids, column, due, last, final = word.groups()
        if due:
            after = f"delivery.reader_id > {last} AND delivery.reader_id <= {final}"
            return f"{_DUE} = {due} AND {after} ORDER BY delivery.reader_id"
        return f"{listed} IN (SELECT value FROM json_each({ids}))" if kind else f"+{column}"  # noqa: S608

    return _WORD.sub(spelled, statement)


@lru_cache
def for_postgresql(statement: str) -> str:
    """An expression is in no index; values are $1, $2, …, and texts sort as they do in Python."""

    def spelled(word: re.Match[str]) -> str:
        listed, kind, ids, column, due, last, final = word.groups()
        if due:
            # Only the queue's index has this order: by the key, all that was sent would be gone through.
            place = f"{_DUE}, delivery.reader_id"
            return f"({place}) > ({due}, {last}) AND ({place}) <= ({due}, {final}) ORDER BY {place}"
        if not kind:
            return f"({column} || '')"
        wanted = _LISTED.format(ids)
        if kind == "FREE":
            wanted = _UNLOCKED.format(wanted, _within(f"mine.{listed}", ids))
        return f"{listed} = ANY ({wanted}) AND {_within(listed, ids)}"

    text = _TEXT.sub('TEXT COLLATE "C"', _NUMBERED.sub(r"$\1", _WORD.sub(spelled, statement)))
    first, *others = text.split("?")
    return first + "".join(f"${number}{part}" for number, part in enumerate(others, 1))


def _within(column: str, ids: str) -> str:
    """That a column lies between the least and the greatest of these ids."""
    return f"{column} BETWEEN {_BOUND.format('min', ids)} AND {_BOUND.format('max', ids)}"
