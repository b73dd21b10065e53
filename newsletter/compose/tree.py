"""The door to lxml: finished HTML as a tree of elements, and back."""

import lxml.html
from lxml import etree
from lxml.html import HtmlElement

__all__ = ["HtmlElement", "elements", "etree", "parse", "written"]


def parse(html: str) -> HtmlElement:
    """The `<html>` element of a page; comments, Outlook's own too, stay comments."""
    return lxml.html.document_fromstring(html)


def elements(root: HtmlElement) -> list[HtmlElement]:
    """An element and all inside it, in the order of the page, without comments."""
    return [element for element in root.iter(etree.Element) if isinstance(element, HtmlElement)]


def written(root: HtmlElement) -> str:
    """A page as HTML again."""
    return etree.tostring(root, encoding="unicode", method="html", doctype="<!DOCTYPE html>")
