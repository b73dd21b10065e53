"""A quarter in the life of a publication with some thousand made-up readers, for a picture of its report.

Everything is drawn by a generator with a fixed seed: the same history each time, and nobody's.
"""

import random
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert

from newsletter.readers import schema
from newsletter.readers.database import Database

WEEKS = 13
LAST = datetime(2026, 11, 23, 6, 0, tzinfo=UTC)
BEFORE = 4_180
"""Readers at the beginning."""

_DOMAINS = {
    "gmail.com": 36,
    "orange.fr": 13,
    "hotmail.fr": 8,
    "outlook.com": 7,
    "free.fr": 7,
    "wanadoo.fr": 6,
    "yahoo.fr": 6,
    "sfr.fr": 5,
    "laposte.net": 4,
    "icloud.com": 4,
    "proton.me": 2,
    "ateliers-reunis.example": 2,
}
_SUBJECTS = (
    "Le cargo à voile, le café et le budget de la rentrée",
    "Pourquoi le prix du cuivre dit l'avenir",
    "L'usine qui voulait se passer de réunion",
    "Les retraites, sans les cris",
    "Un vélo sur deux est électrique",
    "La Banque centrale change de ton",
    "Ce que coûte vraiment un colis",
    "Le train de nuit est complet",
    "Tout savoir sur la facture électronique",
    "Le sondage de la rédaction",
    "Cinq chiffres pour comprendre le logement",
    "L'intelligence artificielle passe à la caisse",
    "Les vendanges n'attendent plus septembre",
)
_SAID = (
    (30, 550, "550 5.1.1 no such user"),
    (12, 452, "552 5.2.2 mailbox full"),
    (9, 550, "550 5.7.1 refused by policy"),
    (5, 550, "550 5.1.2 unknown domain"),
)
_BACK = (("hard", "5.1.1", 9), ("soft", "5.2.2", 14), ("soft", "4.4.7", 5), ("hard", "5.2.1", 3))


def write_history(database: Database) -> None:
    """Fill an empty database; its last issue is of 23 November 2026."""
    _History(database, random.Random(23)).write()


class _History:
    def __init__(self, database: Database, chance: random.Random) -> None:
        self._database = database
        self._chance = chance
        self._domains: dict[str, str] = {}
        self._active: set[str] = set()
        self._rows: dict[str, list[dict[str, object]]] = {
            name: [] for name in ("consent", "issue", "delivery", "attempt", "returned")
        }
        self._status: dict[str, str] = {}

    def write(self) -> None:
        start = LAST - timedelta(weeks=WEEKS)
        for _ in range(BEFORE):
            self._join(start - timedelta(days=20))
        days = [start + timedelta(days=number) for number in range(WEEKS * 7 + 1)]
        for day in days:
            surge = 3.2 if 33 <= (day - start).days <= 38 else 1.0
            for _ in range(round(self._chance.gauss(11, 3) * surge)):
                self._join(day + timedelta(hours=self._chance.uniform(0, 12)))
            if day.weekday() < 5:
                self._send(day)
        readers = [
            {
                "id": one,
                "email": f"{one}@{domain}",
                "address_key": f"{one}@{domain}",
                "name": "",
                "status": self._status.get(one, "active"),
                "since": 0,
            }
            for one, domain in self._domains.items()
        ]
        with self._database.write() as connection:
            connection.execute(insert(schema.reader), readers)
            for name, rows in self._rows.items():
                connection.execute(insert(schema.metadata.tables[name]), rows)

    def _join(self, at: datetime) -> None:
        one = f"r{len(self._domains):06}"
        self._domains[one] = self._chance.choices(list(_DOMAINS), list(_DOMAINS.values()))[0]
        self._active.add(one)
        self._step(one, "joined", at)

    def _step(self, one: str, kind: str, at: datetime, key: str = "") -> None:
        row: dict[str, object] = {
            "reader_id": one,
            "at": schema.seconds(at),
            "kind": kind,
            "source": "",
            "issue_key": key,
        }
        self._rows["consent"].append(row)
        if kind != "joined":
            self._active.discard(one)
            self._status[one] = kind

    def _send(self, day: datetime) -> None:
        key = day.date().isoformat()
        number = len(self._rows["issue"])
        subject = _SUBJECTS[number * 5 % len(_SUBJECTS)]
        audience = sorted(self._active)
        self._rows["issue"].append(
            {
                "key": key,
                "subject": subject,
                "audience": len(audience),
                "date": day.isoformat(),
                "frozen_at": schema.seconds(day),
                "fingerprint": "",
                "template": "",
            }
        )
        speed = self._chance.uniform(14, 19)
        for place, one in enumerate(audience):
            self._deliver(key, one, day + timedelta(seconds=place / speed))
        dull = 3.4 if subject.startswith("Tout savoir") else 2.3 if subject.startswith("Le sondage") else 1.0
        for one in [one for one in audience if self._chance.random() < 0.00055 * dull]:
            self._step(one, "left", day + timedelta(hours=self._chance.uniform(0.2, 9)), key)
        if self._chance.random() < 0.15:
            one = self._chance.choice(sorted(self._active))
            self._step(one, "complained", day + timedelta(hours=2), key)
            self._come_back(key, one, day + timedelta(hours=2), "complaint", "")

    def _deliver(self, key: str, one: str, at: datetime) -> None:
        chance = self._chance.random()
        state = "refused" if chance < 0.0009 else "withheld" if chance < 0.0013 else "sent"
        late = self._domains[one] in ("orange.fr", "wanadoo.fr") and self._chance.random() < 0.1
        at += timedelta(minutes=self._chance.choice((5, 5, 10))) if late else timedelta()
        milliseconds = round(self._chance.gauss(190 if late else 80, 20))
        base: dict[str, object] = {"issue_key": key, "reader_id": one}
        self._rows["delivery"].append(
            base
            | {"state": state, "attempts": 2 if late else 1, "committed_at": schema.seconds(at)}
            | {"reason": "left" if state == "withheld" else "", "host": ""}
        )
        said = self._chance.choices(_SAID, [weight for weight, _, _ in _SAID])[0]
        code, text = (said[1], said[2]) if state == "refused" else (250, "250 2.0.0 Ok")
        host = "mx2.relay.example:587" if late else "mx1.relay.example:587"
        event = base | {"phase": "dot", "host": host, "tls": "", "milliseconds": milliseconds}
        moment = {"at": schema.seconds(at), "number": 2 if late else 1}
        self._rows["attempt"].append(event | moment | {"outcome": state, "code": code, "detail": text})
        if late:
            first = {"number": 1, "at": schema.seconds(at) - 300, "outcome": "deferred", "code": 451}
            self._rows["attempt"].append(event | first | {"detail": "451 4.7.500 try again later"})
        if state == "sent" and self._chance.random() < 0.0006:
            kind, status, _ = self._chance.choices(_BACK, [weight for _, _, weight in _BACK])[0]
            self._come_back(key, one, at + timedelta(minutes=3), kind, status)
            if kind == "hard":
                self._step(one, "bounced", at + timedelta(minutes=3))

    def _come_back(self, key: str, one: str, at: datetime, kind: str, code: str) -> None:
        self._rows["returned"].append(
            {
                "digest": f"{key}{one}{kind}",
                "at": schema.seconds(at),
                "reader_id": one,
                "issue_key": key,
                "domain": self._domains[one],
                "kind": kind,
                "code": code,
                "detail": "",
                "effect": "",
            }
        )
