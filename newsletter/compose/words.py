"""What readers see, in the publication's language: the catalogue, and dates and durations in words.

Catalogues are gettext's: the English text is the key, `templates/words/fr.po` has the French. English needs
no catalogue.
"""

import gettext
import io
from datetime import date, timedelta
from pathlib import Path

from babel.dates import format_date, get_day_names
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po

from newsletter.errors import TemplateError

_NO_BREAK = "\u00a0"


class Words:
    """The words of one language; `translations` is what templates translate with."""

    def __init__(self, language: str, folder: Path) -> None:
        self.language = language
        self.translations = gettext.NullTranslations() if language == "en" else _catalogue(folder, language)

    @property
    def picture(self) -> str:
        """What stands for a picture in plain text."""
        return self.translations.gettext("Picture")

    def day_in_words(self, day: date) -> str:
        """A day in words: "lundi 23 novembre 2026", "Monday 23 November 2026"."""
        if self.language == "fr" and day.day == 1:
            # The first of the month is an ordinal in French (Imprimerie nationale, Lexique des règles).
            return format_date(day, "EEEE d'er' MMMM y", locale="fr")
        return format_date(day, "EEEE d MMMM y", locale=self.language)

    def month_in_words(self, day: date) -> str:
        """A day's month in words: "novembre 2026"."""
        return format_date(day, "MMMM y", locale=self.language)

    def next_day(self, day: date, following: date) -> str:
        """What an issue calls the next one's day: "demain", "lundi"."""
        if following - day == timedelta(days=1):
            return self.translations.gettext("tomorrow")
        if following - day >= timedelta(days=7):
            return self.day_in_words(following)
        return str(get_day_names("wide", locale=self.language)[following.weekday()])

    def duration(self, seconds: int) -> str:
        """A reading time to ten seconds: "4 min 40", "50 s"."""
        minutes, rest = divmod(max(10, round(seconds, -1)), 60)
        if not minutes:
            return f"{rest}{_NO_BREAK}s"
        return f"{minutes}{_NO_BREAK}min" + (f"{_NO_BREAK}{rest:02}" if rest else "")


def _catalogue(folder: Path, language: str) -> gettext.GNUTranslations:
    path = folder / f"{language}.po"
    where = f"templates/words/{path.name}"
    try:
        with path.open("rb") as source:
            catalogue = read_po(source, locale=language, abort_invalid=True)
    except FileNotFoundError as error:
        if not folder.parent.is_dir():
            hint = "copy one from a new publication: newsletter init another-paper"
            raise TemplateError("no such folder", where="templates", hint=hint) from error
        hint = f"add {where}"
        raise TemplateError(f"no words for the language {language!r}", where=where, hint=hint) from error
    except PoFileError as error:
        message = str(error).removesuffix(f" on {error.lineno}")
        raise TemplateError(f"not a catalogue: {message}", where=f"{where}:{error.lineno + 1}") from error
    except UnicodeDecodeError as error:
        raise TemplateError("not UTF-8", where=where, hint="save it as UTF-8") from error
    except OSError as error:
        raise TemplateError(f"cannot be read: {error.strerror}", where=where) from error
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)
