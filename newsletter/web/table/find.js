"use strict";
// A finding's place in the source -> the same words in the page.

const WORD = /[\p{L}\p{N}]+/gu;

// The words of a document in order, each with where it stands; an image's are those of its alt text.
function wordsOf(page) {
  const found = [];
  const walker = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT | NodeFilter.SHOW_ELEMENT);
  for (let node; (node = walker.nextNode()); ) {
    if (node.nodeType === Node.TEXT_NODE) {
      if (node.parentElement.closest("style, script, title")) continue;
      for (const word of node.data.matchAll(WORD))
        found.push({ word: word[0].toLowerCase(), node, start: word.index, end: word.index + word[0].length });
    } else if (node.localName === "img") {
      for (const word of (node.alt || "").matchAll(WORD)) found.push({ word: word[0].toLowerCase(), node });
    }
  }
  return found;
}

// The words of a source line, without keys and addresses, and which of them stands at the column (from 1).
function wordsAt(line, column) {
  const blank = (text) => " ".repeat(text.length);
  const prose = line
    .replace(/^\s*[\w-]+:\s/, blank)
    .replace(/\]\([^)]*\)/g, blank)
    .replace(/https?:\/\/\S+/g, blank)
    .replace(/\{[^}]*\}/g, blank);
  const words = [...prose.matchAll(WORD)];
  let at = words.findIndex((word) => word.index + word[0].length >= column);
  if (at < 0) at = words.length - 1;
  return { words: words.map((word) => word[0].toLowerCase()), at };
}

// The word of the page that stands in the longest run of up to 24 words around the place which the page has
// too; null if there is no such run.
function findWord(page, line, column) {
  const { words, at } = wordsAt(line, column);
  const there = wordsOf(page);
  for (let length = Math.min(24, words.length); length > 0; length--) {
    if (length === 1 && (words[at] || "").length < 4) return null;
    for (let start = Math.min(at, words.length - length); start >= 0 && start > at - length; start--) {
      const wanted = words.slice(start, start + length);
      const index = there.findIndex((_, i) => wanted.every((word, j) => there[i + j]?.word === word));
      if (index >= 0) return there[index + at - start];
    }
  }
  return null;
}

// Put a mark around the word and bring it into view.
function markWord(page, { node, start, end }) {
  page.getElementById("light-table-mark")?.remove();
  let box;
  if (node.nodeType === Node.TEXT_NODE) {
    const range = page.createRange();
    range.setStart(node, start);
    range.setEnd(node, end);
    box = range.getBoundingClientRect();
  } else {
    box = node.getBoundingClientRect();
  }
  const view = page.defaultView;
  const mark = page.createElement("div");
  mark.id = "light-table-mark";
  Object.assign(mark.style, {
    position: "absolute",
    left: `${box.left + view.scrollX - 4}px`,
    top: `${box.top + view.scrollY - 3}px`,
    width: `${box.width + 8}px`,
    height: `${box.height + 6}px`,
    outline: "3px solid #e8710a",
    borderRadius: "4px",
    background: "rgba(255, 193, 7, 0.28)",
    pointerEvents: "none",
  });
  page.body.append(mark);
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  view.scrollTo({ top: box.top + view.scrollY - view.innerHeight / 3, behavior: calm ? "auto" : "smooth" });
}
