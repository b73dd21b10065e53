"""The templates folder: Jinja2, strict, with every fault told by the template's own file and line.

Each element that a template writes carries the place it was written at (`PLACE`), so that a fault found
later, in the markup, can be told by the template's line as well; `markup.py` takes the places off again.
"""

import re
import traceback
from collections.abc import Mapping
from dataclasses import is_dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from jinja2 import (
    BytecodeCache,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateNotFound,
    TemplateRuntimeError,
    TemplateSyntaxError,
    UndefinedError,
)
from jinja2.bccache import Bucket
from jinja2.ext import Extension
from jinja2.utils import missing
from markupsafe import Markup

from newsletter.compose.text import wrap
from newsletter.compose.words import Words
from newsletter.errors import NewsletterError, TemplateError, nearest
from newsletter.fields import field

PLACE = "written-at"

THEMES = "themes"

INLINED = "article.css.j2"

MARKUP = (".mjml.j2", ".html.j2", ".svg.j2")

_IT_HAS = "; it has "

_NOT_MARKUP = re.compile(r"(\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|<!--.*?-->)", re.DOTALL)
_NOT_CSS = re.compile(r"(\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}|/\*.*?\*/)", re.DOTALL)
_ELEMENT = re.compile(r"<([a-zA-Z][a-zA-Z0-9-]*)(?=[\s/>])")


class _Places(Extension):
    """Adds to every element in a template the file and line it stands on."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        name = _file(name, filename) if name else name
        if name and name.endswith(INLINED):
            return self._lines_of_css(source, name)
        if not name or not name.endswith(".mjml.j2"):
            return source
        out = []
        line = 1
        for part in _NOT_MARKUP.split(source):
            if _NOT_MARKUP.fullmatch(part):
                out.append(part)
            else:
                start = line
                out.append(
                    _ELEMENT.sub(
                        lambda m, part=part, start=start: (
                            f'<{m[1]} {PLACE}="{name}:{start + part.count(chr(10), 0, m.start())}"'
                        ),
                        part,
                    )
                )
            line += part.count("\n")
        return "".join(out)

    def _lines_of_css(self, source: str, name: str) -> str:
        """The sheet with a comment at the start of each line, but for those inside of something."""
        out, line = [], 1
        for part in _NOT_CSS.split(source):
            for number, text in enumerate(part.split("\n")):
                whole = number and text and not _NOT_CSS.fullmatch(part)
                out.append(("\n" if number else "") + (f"/*{name}:{line + number}*/" if whole else "") + text)
            line += part.count("\n")
        return "".join(out)


class _Compiled(BytecodeCache):
    """What templates were compiled to, for as long as the program runs: the preview composes at each saving.

    Jinja2 itself sees to it that code is used for the very text only that it was made of.
    """

    def __init__(self) -> None:
        self._code: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if code := self._code.get(bucket.key):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._code[bucket.key] = bucket.bytecode_to_string()


_COMPILED = _Compiled()


class _Unknown(StrictUndefined):
    """A name that means nothing where a template uses it; its message ends with those that would."""

    __slots__ = ()

    def __init__(
        self,
        hint: str | None = None,
        obj: object = missing,
        name: str | None = None,
        exc: type[TemplateRuntimeError] = UndefinedError,
    ) -> None:
        if hint is None and is_dataclass(obj) and isinstance(name, str):
            names = ", ".join(known for known in dir(obj) if not known.startswith("_"))
            hint = f"{type(obj).__name__} has no {name!r}{_IT_HAS}{names}"
        super().__init__(hint, obj, name, exc)


class Templates:
    """The templates of one publication, with the words of its language.

    Those that a theme has, in `folder`/themes/THEME, stand before those of the same name in `folder`.
    `blanks` says whether they may leave room for each reader's data: a mail's may, a web page's may not.
    """

    def __init__(self, folder: Path, words: Words, theme: str = "", *, blanks: bool = True) -> None:
        folders = [folder / THEMES / theme, folder] if theme else [folder]
        self._environment = Environment(
            loader=FileSystemLoader(folders, encoding="utf-8"),
            # On for markup; plain text and style sheets must stay as they are.
            autoescape=lambda name: name is not None and name.endswith(MARKUP),  # noqa: S701
            undefined=_Unknown,
            bytecode_cache=_COMPILED,
            extensions=["jinja2.ext.i18n", _Places],
            trim_blocks=True,
            lstrip_blocks=True,
            keep_trailing_newline=True,
        )
        install = self._environment.install_gettext_translations  # type: ignore[attr-defined]
        install(words.translations, newstyle=True)
        if blanks:
            self._environment.globals.update(field=field)
        self._environment.filters.update(wrap=wrap)
        self._folder = folder

    def render(self, name: str, values: Mapping[str, object]) -> str:
        """The template `name` with these values; raises TemplateError naming the template's file and line."""
        try:
            return self._environment.get_template(name).render(values)
        except NewsletterError as error:
            error.where = error.where or self._where(error.__traceback__, name)
            raise
        except TemplateSyntaxError as error:
            where = f"templates/{_file(error.name or name, error.filename)}:{error.lineno}"
            raise TemplateError(f"not a template: {error.message}", where=where) from error
        except TemplateNotFound as error:
            where = self._where(error.__traceback__, "")
            meant = nearest(str(error.name), self._environment.list_templates()) if where else ""
            where = where or f"templates/{name}"
            hint = f'did you mean "{meant}"?' if meant else f"add {error.name} to the templates folder"
            raise TemplateError(f"no template is called {error.name!r}", where=where, hint=hint) from error
        except UndefinedError as error:
            raise self._undefined(error, name, values) from error
        except UnicodeDecodeError as error:
            raise TemplateError("not UTF-8", where=f"templates/{name}", hint="save it as UTF-8") from error
        except Exception as error:
            # A template is code: it can raise anything. Faults outside of it are ours and pass.
            where = self._where(error.__traceback__, "")
            if not where:
                raise
            raise TemplateError(f"{type(error).__name__}: {error}", where=where) from error

    def names(self, name: str, values: Mapping[str, object]) -> Mapping[str, Any]:
        """What the template `name` sets at its top, such as the colours of `mail/palette.j2`."""
        self.render(name, values)
        return vars(self._environment.get_template(name).make_module(dict(values)))

    def _undefined(self, error: UndefinedError, name: str, values: Mapping[str, object]) -> TemplateError:
        message, _, names = str(error.message).partition(_IT_HAS)
        quoted = re.search(r"has no '([^']+)'|'([^']+)' is undefined", message)
        wrong = (quoted[1] or quoted[2]) if quoted else ""
        meant = nearest(wrong, names.split(", ") if names else {*values, *self._environment.globals})
        hint = f"it has {names}" if names else "see docs/templates.md for what a template may use"
        hint = f'did you mean "{meant}"?' if meant else hint
        return TemplateError(message, where=self._where(error.__traceback__, name), hint=hint)

    def _where(self, trace: TracebackType | None, name: str) -> str:
        """The place in a template where the trace last stood, or the template as a whole."""
        for frame in reversed(traceback.extract_tb(trace)):
            path = Path(frame.filename)
            if path.suffix == ".j2" and path.is_relative_to(self._folder):
                return f"templates/{path.relative_to(self._folder).as_posix()}:{frame.lineno}"
        return f"templates/{name}" if name else ""


def _file(name: str, path: str | None) -> str:
    """A template's file inside the templates folder: a theme's is not where its name says."""
    themed = re.search(rf"{THEMES}/[^/]+/{re.escape(name)}\Z", Path(path or "").as_posix())
    return themed[0] if themed else name


def safe(html: str) -> Markup:
    """HTML of our own making, which templates need not escape."""
    return Markup(html)  # noqa: S704 - only prose.py's output comes here, and it escapes what writers typed


def fill_page(template: str, values: Mapping[str, object]) -> str:
    """A page of the press's own: `template` is text that comes with the press, HTML with Jinja2's marks."""
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(template).render(values)
