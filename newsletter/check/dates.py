"""Rules for days and dates: a day name that fits its date, today that is today, tomorrow that is no day off.

All is reckoned from the issue's own day, never from the clock, so that an old issue stays as good as it was.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from newsletter.calendar import is_working_day, next_working_day
from newsletter.check.proof import Proof, Text
from newsletter.check.rule import Fault, Level, Place, Rule, rule

_NAMES = {
    "fr": ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
    "en": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
}
_WEEKDAYS = {name.lower(): number for names in _NAMES.values() for number, name in enumerate(names)}
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "janvier janv. january",
            "février fevrier févr. february",
            "mars march",
            "avril april",
            "mai may",
            "juin june",
            "juillet juil. july",
            "août aout august",
            "septembre sept. september",
            "octobre oct. october",
            "novembre nov. november",
            "décembre decembre déc. december",
        ),
        1,
    )
    for name in names.split()
}
_GAP = r"(?:[^\S\n]+(?:\n[^\S\n]*)?|\n[^\S\n]*)"
"""What parts two words of one paragraph; no-break spaces are spaces to it."""
_NAME = "|".join(_WEEKDAYS)
_MONTH = "|".join(re.escape(name) for name in _MONTHS)
_NUMBER = r"\d{1,2}(?:er|st|nd|rd|th)?\b"
_YEAR = r"(?P<year>[12]\d{3})\b(?![,.]\d|\s?[€%])"
_DAY_FIRST = re.compile(
    rf"(?:the{_GAP})?(?P<number>{_NUMBER})"
    # "lundi 23 et mardi 24 novembre": the first of the two borrows its month from the second.
    rf"(?:{_GAP}(?:et|au|ou|and|to|or|–|-){_GAP}(?:(?:le|the){_GAP})?(?:(?:{_NAME}){_GAP})?(?P<last>{_NUMBER}))?"
    rf"{_GAP}(?:of{_GAP})?(?P<month>{_MONTH})(?!\w)(?:{_GAP}{_YEAR})?",
    re.IGNORECASE,
)
_MONTH_FIRST = re.compile(
    rf"(?P<month>{_MONTH}){_GAP}(?P<number>{_NUMBER})(?!:)(?:,?{_GAP}{_YEAR})?", re.IGNORECASE
)

_NAMED = re.compile(rf"\b(?P<name>{_NAME}),?{_GAP}", re.IGNORECASE)
_TODAY = re.compile(
    # "Aujourd'hui, le 11 novembre est férié" claims nothing: there, the date has to follow at once.
    rf"\b(?:(?:nous{_GAP}sommes(?:{_GAP}aujourd['’]hui)?|on{_GAP}est|aujourd['’]hui,?{_GAP}c['’]est),?{_GAP}(?:le{_GAP})?"
    rf"|aujourd['’]hui,?{_GAP}|(?:today(?:,|{_GAP}is)?|it{_GAP}is|it['’]s){_GAP})(?:(?:{_NAME}),?{_GAP})?",
    re.IGNORECASE,
)
_OFFSETS = {
    "avant-hier": -2,
    "hier": -1,
    "yesterday": -1,
    "aujourd'hui": 0,
    "today": 0,
    "demain": 1,
    "tomorrow": 1,
    "après-demain": 2,
}
_BESIDE = re.compile(
    r"(?<![\w-])(?P<word>avant-hier|hier|yesterday|aujourd['’]hui|today|demain|tomorrow|après-demain)"
    rf"(?:{_GAP}(?P<name>{_NAME})\b(?!{_GAP}\d)|,{_GAP}(?P<set_off>{_NAME})(?=,))",
    re.IGNORECASE,
)
_FAREWELL = re.compile(
    rf"\b(?:(?:à|rendez-vous|on{_GAP}se{_GAP}(?:retrouve|revoit|lit)){_GAP}demain"
    rf"|(?:see{_GAP}you|until|back){_GAP}tomorrow)\b",
    re.IGNORECASE,
)
_TOMORROW = re.compile(
    # "La voiture de demain" and "tomorrow's car" mean no day.
    rf"(?<![\w-])(?<!\bde\s)(?<!\bof\s)(?P<word>demain|tomorrow)\b(?!['’-])(?:,?{_GAP}(?P<name>{_NAME})\b)?",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"«[^»]*»|“[^”]*”|\"[^\"\n]*\"|^>.*$", re.MULTILINE)
_SOON = 10
"""Days from the issue's own within which a date that claims to be today is a slip, not a story."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Written:
    """A date as written: `year` is 0 if none is, `end` where it ends in the text."""

    number: int
    month: int
    year: int
    end: int

    def days(self, near: date) -> list[date]:
        """The days that may be meant: the one in the year written, or those around `near`, nearest first."""
        years = [self.year] if self.year else [near.year - 1, near.year, near.year + 1]
        found = [day for year in years if (day := _day(year, self.month, self.number))]
        return sorted(found, key=lambda day: abs(day - near))


def _day(year: int, month: int, number: int) -> date | None:
    try:
        return date(year, month, number)
    except ValueError:
        return None


def _written_at(prose: str, start: int) -> _Written | None:
    """The date that begins at `start` of a text, if there is one."""
    found = _DAY_FIRST.match(prose, start) or _MONTH_FIRST.match(prose, start)
    if not found:
        return None
    groups = found.groupdict()
    number, last = (int(re.sub(r"\D", "", groups.get(key) or "0")) for key in ("number", "last"))
    month = _MONTHS[groups["month"].lower()]
    year = int(groups["year"] or 0)
    if last and number > last:  # "du lundi 30 novembre" is over before "vendredi 4 décembre"
        year -= month == 1 and year > 0
        month = month - 1 or 12
    return _Written(number=number, month=month, year=year, end=found.end())


def _said(day: date, name: str, *, year: bool) -> str:
    """A day in the language of the day name `name`, for a hint."""
    language = "fr" if name.lower() in _NAMES["fr"] else "en"
    months = [month for month, number in _MONTHS.items() if number == day.month]
    month = months[0] if language == "fr" else months[-1].capitalize()
    number = "1er" if day.day == 1 and language == "fr" else day.day
    return f"{_NAMES[language][day.weekday()]} {number} {month}" + (f" {day.year}" if year else "")


def _quoted(prose: str, offset: int) -> bool:
    """Whether somebody else is speaking, perhaps of another day's today."""
    return any(found.start() <= offset < found.end() for found in _QUOTED.finditer(prose))


@rule(
    "day-and-date",
    Level.WARNING,
    why="A day name that does not fit its date sends readers to the wrong day, and they do notice.",
    how="look it up in a calendar",
)
def day_and_date(proof: Proof) -> Iterator[Fault]:
    """A date without a year is the nearest to the issue's day, or of any year its article speaks of."""
    for text in proof.texts:
        prose = text.prose
        for found in _NAMED.finditer(prose):
            written = _written_at(prose, found.end())
            if written and (wrong := _contradiction(proof, text, found["name"], written)):
                yield Fault(text.place(found.start()), *wrong)
        for found in _BESIDE.finditer(prose):
            name = found["name"] or found["set_off"]
            word = found["word"].lower().replace("’", "'")
            meant = proof.issue.day + timedelta(days=_OFFSETS[word])
            if meant.weekday() != _WEEKDAYS[name.lower()] and not _quoted(prose, found.start()):
                right = _said(meant, name, year=False).split()[0]
                yield Fault(text.place(found.start()), f'"{word}", {meant}, is no {name}', f'write "{right}"')


def _contradiction(proof: Proof, text: Text, name: str, written: _Written) -> tuple[str, str] | None:
    """What is wrong with a day name and its date, and what to write; None if they fit."""
    here = proof.issue.day
    wanted = _WEEKDAYS[name.lower()]
    days = written.days(here)
    if not days:
        leap = (written.number, written.month, written.year) == (29, 2, 0)
        return None if leap else (f"month {written.month} has no day {written.number}", "")
    day = days[0]
    years = {written.year} if written.year else _years_of(proof, text)
    others = [_day(year, written.month, written.number) for year in years]
    if any(other and other.weekday() == wanted for other in (day, *others)):
        return None
    around = [day + timedelta(days=days) for days in range(-3, 4)]
    right = [day, *(each for each in around if each.weekday() == wanted)]
    if written.year and (now := _day(here.year, written.month, written.number)) and now.weekday() == wanted:
        right.append(now)
    choices = (f'"{_said(each, name, year=written.year > 0)}"' for each in right)
    english = _NAMES["en"][day.weekday()]
    return f"{day} is a {english}, not {name}", f"write {' or '.join(choices)}"


def _years_of(proof: Proof, text: Text) -> set[int]:
    """The years of which a text, or another of the same article, speaks."""
    texts = [other.prose for other in proof.texts if other.article is text.article]
    return {int(year) for prose in texts for year in re.findall(r"(?<![\d,.])1[5-9]\d\d\b|\b20\d\d\b", prose)}


@rule(
    "not-today",
    Level.WARNING,
    why="The date of another day, given as today's, tells every reader that the text was not looked at.",
    how="write the issue's own date",
)
def not_today(proof: Proof) -> Iterator[Fault]:
    """Only what is near the issue's day, or a year off: "Nous sommes le 14 juillet 1789" is a story."""
    here = proof.issue.day
    for text in proof.texts:
        prose = text.prose
        for found in _TODAY.finditer(prose):
            written = _written_at(prose, found.end())
            if not written or _quoted(prose, found.start()):
                continue
            days = written.days(here)
            day = days[0] if days else here
            year_off = (day.month, day.day) == (here.month, here.day) and abs(day.year - here.year) == 1
            if day != here and (abs(day - here).days <= _SOON or year_off):
                yield Fault(text.place(found.start()), f"today is {day} here, but the issue is of {here}")


@rule(
    "farewell-until-tomorrow",
    Level.WARNING,
    why="No issue comes tomorrow if tomorrow is no working day.",
    how="name the day of the next issue",
)
def farewell_until_tomorrow(proof: Proof) -> Iterator[Fault]:
    for text, found in _tomorrows(proof, _FAREWELL):
        following = next_working_day(proof.issue.day, proof.publication.country)
        name = _said(following, "lundi" if proof.publication.language == "fr" else "Monday", year=False)
        yield Fault(text.place(found.start()), f"the next issue is of {following}", f'write "{name}"')


@rule(
    "tomorrow-is-off",
    Level.NOTE,
    why="On a Friday, or on the eve of a public holiday, little happens tomorrow.",
    how="make sure that tomorrow is meant",
)
def tomorrow_is_off(proof: Proof) -> Iterator[Fault]:
    tomorrow = proof.issue.day + timedelta(days=1)
    farewells = [text.place(found.end()) for text, found in _tomorrows(proof, _FAREWELL)]
    for text, found in _tomorrows(proof, _TOMORROW):
        named = found["name"] and _WEEKDAYS[found["name"].lower()] == tomorrow.weekday()
        if not named and text.place(found.end("word")) not in farewells:
            yield Fault(text.place(found.start()), f"tomorrow, {tomorrow}, is no working day")


def _tomorrows(proof: Proof, pattern: re.Pattern[str]) -> Iterator[tuple[Text, re.Match[str]]]:
    """Where tomorrow is spoken of, if it is a day off; not where somebody else speaks."""
    if is_working_day(proof.issue.day + timedelta(days=1), proof.publication.country):
        return
    for text in proof.texts:
        prose = text.prose
        for found in pattern.finditer(prose):
            if not _quoted(prose, found.start()):
                yield text, found


@rule(
    "issue-on-a-day-off",
    Level.WARNING,
    why="Readers were promised working days, and on others nobody opens the mail.",
    how="give the folder the date of a working day",
)
def issue_on_a_day_off(proof: Proof) -> Iterator[Fault]:
    day, country = proof.issue.day, proof.publication.country
    if not is_working_day(day, country):
        kind = f"a {_NAMES['en'][day.weekday()]}" if day.weekday() > 4 else f"a public holiday in {country}"
        yield Fault(
            Place(proof.folder),
            f"{day} is {kind}",
            f"name the folder issues/{next_working_day(day, country)}",
        )


RULES: tuple[Rule, ...] = (
    day_and_date,
    not_today,
    farewell_until_tomorrow,
    tomorrow_is_off,
    issue_on_a_day_off,
)
