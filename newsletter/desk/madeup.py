"""A number -> that many made-up readers, for trying the press out on nobody."""

from collections.abc import Iterator

from newsletter.desk.new import slug

_FIRST = (
    "Anne-Laure", "Zoé", "Jean-Baptiste", "Élodie", "Aïcha", "Benoît", "Chloé", "Raphaël", "Inès", "Loïc",
    "Maëlys", "Gaël", "Françoise", "Hélène", "Noël", "Océane", "Théo", "Agnès", "Rémi", "Solène", "Youssef",
    "Léa", "Hugo", "Camille", "Marie-Thérèse", "Gwenaëlle", "Étienne", "Faïza", "Mathéo", "Anaïs", "Cécile",
    "Émile", "Manon", "Karim", "Régis", "Sélène", "Timothée", "Ursule", "Violaine", "Xavier", "Yaël",
)  # fmt: skip
_LAST = (
    "Lefèvre", "d'Ormesson", "de La Tour", "N'Guessan", "Le Goff", "Garçon", "Müller", "Benali", "Béranger",
    "L'Hôpital", "du Plessis", "Hervé-Gruyer", "Nguyễn", "O'Brien", "Peña", "Côté", "Vasseur", "Le Bihan",
    "d'Estaing-Morel", "Traoré", "Château", "Roïc", "Saint-André", "Cœur", "Dubois", "Fernández", "Grégoire",
    "Haddad", "Île-Marchand", "Jaurès", "Kowalski", "Lemaître", "Mésange", "Noblecourt", "Œuvrard",
    "Pélissier", "Quéré", "des Rosiers", "Sørensen", "Thévenot", "Uzès", "van der Berg", "Weiß",
)  # fmt: skip
_HOSTS = ("example.org", "example.com", "example.net")
_NAMELESS = 17  # one in so many readers gave no name, as on any real list


def made_up_readers(count: int) -> Iterator[tuple[str, str]]:
    """`count` pairs of name and address, the same on every run; no address comes twice.

    All are at example.org, .com or .net, which can belong to nobody (RFC 2606 §3). A few names are empty.
    """
    for index in range(count):
        # 41 first and 43 last names: both are prime, so a pair comes back after 41 × 43 readers only.
        first, last = _FIRST[index % len(_FIRST)], _LAST[index % len(_LAST)]
        again = index // (len(_FIRST) * len(_LAST))
        local = f"{slug(first)}.{slug(last)}{again + 1 if again else ''}"
        name = "" if index % _NAMELESS == _NAMELESS - 1 else f"{first} {last}"
        yield name, f"{local}@{_HOSTS[index % len(_HOSTS)]}"
