"""Where a publication keeps its readers and its ledger: the table [store] of newsletter.toml."""

import re
from dataclasses import dataclass, field

from newsletter.settings import Table, without_password

_KNOWN = re.compile(
    r"sqlite:///.|(?P<server>postgresql://)(?:[^:@/?]*(?P<password>:[^@/?]*)?@)?[^@/?]*/[^/?]+(?:\?.*)?\Z"
)
_IN_QUERY = re.compile(r"[?&](?:ssl)?password=", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """The address of the database, and the password that it takes, "" for none that we know of."""

    url: str = "sqlite:///.newsletter/newsletter.db"
    password: str = field(default="", repr=False)

    @property
    def is_shared(self) -> bool:
        """Whether other machines can use it too."""
        return not self.file

    @property
    def file(self) -> str:
        """The name of the file that it is, relative to the publication's folder; "" if it is a server's."""
        return self.url.removeprefix("sqlite:///") if self.url.startswith("sqlite:") else ""


def read_store(table: Table) -> Store:
    """The store of a publication; raises ConfigError."""
    url = table.string("url", Store().url)
    known = _KNOWN.match(url)
    if known and (known["password"] is not None or _IN_QUERY.search(url)):
        # The address is not quoted, or the password would stand on the screen as well.
        hint = "take it out, and set NEWSLETTER_STORE_PASSWORD or NEWSLETTER_STORE_PASSWORD_FILE"
        raise table.error("url", "a password does not belong in this file", hint)
    if not known:
        hint = 'write "sqlite:///FILE" or "postgresql://USER@HOST/DATABASE"'
        raise table.error("url", f"{without_password(url)!r} is not a store this press knows", hint)
    table.done()
    return Store(url=url, password=table.secret("STORE_PASSWORD") if known["server"] else "")
