"use strict";
// Each frame as tall as its page, so that a strip shows the whole of it; and a strip at its true width.

const MOST = 14000; // CSS pixels; what is longer scrolls in its frame

function fit(frame) {
  const page = frame.contentDocument?.documentElement;
  if (!page) return;
  const strip = frame.closest("figure");
  strip.style.setProperty("--h", 100); // a page is never less tall than its frame
  strip.style.setProperty("--h", Math.min(MOST, page.scrollHeight));
}

const frames = [...document.querySelectorAll("iframe")];
let large = null;
let scale = "";

function toggle(strip) {
  const open = strip !== large;
  if (large) {
    large.classList.remove("large");
    large.style.setProperty("--s", scale);
    large.querySelector("button").setAttribute("aria-pressed", false);
  }
  large = open ? strip : null;
  document.documentElement.classList.toggle("near", open);
  if (!open) return;
  scale = strip.style.getPropertyValue("--s");
  strip.classList.add("large");
  strip.style.setProperty("--s", Math.min(1, (innerWidth - 32) / strip.style.getPropertyValue("--w")));
  strip.querySelector("button").setAttribute("aria-pressed", true);
  strip.scrollTo(0, 0);
}

const onKey = (event) => { if (event.key === "Escape" && large) toggle(large); };

document.addEventListener("keydown", onKey);
for (const button of document.querySelectorAll("figcaption button")) {
  button.addEventListener("click", () => toggle(button.closest("figure")));
}
addEventListener("load", () => {
  for (const frame of frames) {
    fit(frame);
    frame.contentDocument?.addEventListener("keydown", onKey);
  }
});
addEventListener("resize", () => frames.filter((frame) => frame.closest(".inbox")).forEach(fit));
