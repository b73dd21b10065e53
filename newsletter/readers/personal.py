"""A reader -> everything that is kept of them, which is theirs to see (GDPR, article 15)."""

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Select, or_, select

from newsletter.readers import schema
from newsletter.readers.database import Database

Record = dict[str, Any]
"""Texts, numbers, None, and lists of records: what JSON can hold. Moments are in ISO 8601, in UTC."""

_reader = schema.reader.c
_consent = schema.consent.c
_request = schema.request.c
_returned = schema.returned.c
_issue = schema.issue.c
_row = schema.delivery.c
_attempt = schema.attempt.c
_decision = schema.decision.c

_MOMENTS = {"at", "since", "paused_until", "answered_at", "used_at", "committed_at"}


def personal_data(database: Database, reader_id: str) -> Record:
    """All that the database holds of a reader; {} if nobody has the id. Raises StoreError.

    Not in it is who of the house decided about a copy: that is theirs and not the reader's.
    """
    with database.read() as connection:
        found = _all(connection, select(schema.reader).where(_reader.id == reader_id))
        if not found:
            return {}
        (reader,) = found
        mine = or_(_request.reader_id == reader_id, _request.address_key == reader.pop("address_key"))
        return {
            "reader": reader,
            "history": _all(
                connection, select(*_history).where(_consent.reader_id == reader_id).order_by(_consent.id)
            ),
            "requests": _all(connection, select(*_requests).where(mine).order_by(_request.at)),
            "issues": _issues(connection, reader_id),
            "returned": _all(
                connection, select(*_back).where(_returned.reader_id == reader_id).order_by(_returned.at)
            ),
            "decisions": _all(
                connection, select(*_decided).where(_decision.reader_id == reader_id).order_by(_decision.id)
            ),
        }


def as_rows(data: Record) -> Iterator[tuple[str, str]]:
    """The same as pairs for a spreadsheet, such as ("history 1, source", "salon du livre")."""
    for part, content in data.items():
        for number, record in enumerate(content if isinstance(content, list) else [content], 1):
            label = f"{part} {number}" if isinstance(content, list) else part
            for name, value in record.items():
                if isinstance(value, list):
                    yield from ((f"{label}, {inner}", cell) for inner, cell in as_rows({name: value}))
                else:
                    yield f"{label}, {name}", "" if value is None else str(value)


_history = (
    _consent.at,
    _consent.kind.label("step"),
    _consent.source,
    _consent.words,
    _consent.page,
    _consent.network,
    _consent.issue_key.label("issue"),
)
_requests = (
    _request.at,
    _request.wish,
    _request.email,
    _request.words,
    _request.page,
    _request.network,
    _request.state,
    _request.notice,
    _request.detail,
    _request.answered_at,
    _request.used_at,
)
_back = (
    _returned.at,
    _returned.issue_key.label("issue"),
    _returned.kind,
    _returned.code,
    _returned.detail,
    _returned.host,
    _returned.effect,
    _returned.reason,
)
_decided = (_decision.at, _decision.issue_key.label("issue"), _decision.kind, _decision.note)


def _issues(connection: Connection, reader_id: str) -> list[Record]:
    """Each issue that the reader was owed, and what was tried, the first one first."""
    issues = (
        select(_issue.key.label("issue"), _issue.subject, _row.state, _row.reason, _row.committed_at)
        .join(schema.delivery, (_row.issue_key == _issue.key) & (_row.reader_id == reader_id))
        .order_by(_issue.key)
    )
    tries = (
        select(
            _attempt.issue_key,
            _attempt.at,
            _attempt.outcome,
            _attempt.code,
            _attempt.detail,
            _attempt.host,
            _attempt.tls,
        )
        .where(_attempt.issue_key.in_(select(_issue.key)), _attempt.reader_id == reader_id)
        .order_by(_attempt.number, _attempt.at)
    )
    found = [{**record, "attempts": []} for record in _all(connection, issues)]
    by_key = {record["issue"]: record for record in found}
    for record in _all(connection, tries):
        by_key[record.pop("issue_key")]["attempts"].append(record)
    return found


def _all(connection: Connection, query: Select[Any]) -> list[Record]:
    return [
        {name: _plain(name, value) for name, value in row._mapping.items()}
        for row in connection.execute(query)
    ]


def _plain(name: str, value: Any) -> Any:
    return schema.moment(value).isoformat() if name in _MOMENTS and value is not None else value
