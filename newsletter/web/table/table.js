"use strict";
// The light table: what is shown follows from `state`, which the address keeps, and from the issue's files.

const $ = (id) => document.getElementById(id);
const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];

const WIDTHS = { desktop: 800, tablet: 768, phone: 375 };
const LEVELS = [["error", "Errors"], ["warning", "Warnings"], ["note", "Notes"]];
const NARROW = matchMedia("(max-width: 820px)");
const DEFAULTS = {
  issue: "", show: "mail", width: NARROW.matches ? "phone" : "desktop", colours: "light", pictures: "on", part: "mjml", client: "", name: "", email: "",
};

const asked = new URLSearchParams(location.search);
const state = Object.fromEntries(Object.entries(DEFAULTS).map(([key, value]) => [key, asked.get(key) ?? value]));
let issues = [];
let facts = null;      // what /sheet.json said last
let found = [];        // the findings, in the order shown
let chosen = -1;       // which of them is marked
let turn = 0;          // answers to an earlier question are dropped
let source = null;     // the server's events
let settle = () => {}; // says that nobody need wait for the next frame any more
let frame = null;      // the frame that is seen
let frameOf = "";      // which view it shows, without the stamp

async function ask(address) {
  const answer = await fetch(address);
  return answer.json();
}

// ---- what is shown ----

function remember() {
  const kept = Object.entries(state).filter(([key, value]) => value !== DEFAULTS[key]);
  history.replaceState(null, "", `/?${new URLSearchParams(kept)}`);
}

function viewOf() {
  const { show, colours, pictures, part, client, name, email } = state;
  const wanted = new URLSearchParams({ show, colours: show === "inbox" ? "light" : colours });
  if (pictures === "off") wanted.set("pictures", "off");
  if (show === "source") wanted.set("part", part);
  if (client && ["mail", "clipped"].includes(show)) wanted.set("client", client);
  if (name) wanted.set("name", name);
  if (email) wanted.set("email", email);
  return `/view/${state.issue}?${wanted}`;
}

function set(key, value) {
  if (state[key] === value) return;
  state[key] = value;
  if (["web", "text", "source"].includes(state.show) && ["gmail", "outlook"].includes(state.colours)) state.colours = "dark";
  remember();
  drawControls();
  if (key === "width") fit();
  else putFrame();
}

function drawControls() {
  for (const input of all("nav input[type=radio]")) input.checked = state[input.name] === input.value;
  for (const part of all("[data-for]")) part.hidden = !part.dataset.for.split(" ").includes(state.show);
  for (const part of all("[data-only]")) part.hidden = !part.dataset.only.split(" ").includes(state.show);
  $("pictures").setAttribute("aria-pressed", state.pictures === "on");
  $("pictures").textContent = state.pictures === "on" ? "Pictures" : "Pictures off";
  $("to-reader").textContent = state.name || state.email ? `Reader: ${state.name || state.email}` : "Reader";
  $("client").value = state.client;
  if (facts) drawSize();
}

function drawSize() {
  const { sizes, clip } = facts;
  const words = {
    mail: `HTML ${kB(sizes.html)}, pictures ${kB(sizes.pictures)}`,
    web: "As it will be on the site",
    text: `Text ${kB(sizes.text)}`,
    inbox: `${[...facts.subject].length} characters of subject, ${[...facts.preheader].length} of preheader`,
    clipped: sizes.html > clip ? `Gmail cuts ${kB(sizes.html - clip)} off` : `Not clipped: ${kB(sizes.html)} of ${kB(clip)}`,
    source: "",
  };
  $("size").textContent = words[state.show];
  for (const part of all("[data-size]")) part.textContent = kB(sizes[part.dataset.size]);
}

const kB = (bytes) => `${(bytes / 1000).toLocaleString("en", { maximumFractionDigits: bytes < 10000 ? 1 : 0 })} kB`;

// A new frame is made ready behind the old one, at the same place of the page, so that nothing jumps.
function putFrame() {
  if (!facts) return Promise.resolve();
  const view = viewOf();
  const next = document.createElement("iframe");
  next.setAttribute("sandbox", "allow-same-origin allow-popups allow-popups-to-escape-sandbox");
  next.title = `${state.show} of the issue`;
  next.className = "behind";
  next.src = `${view}&stamp=${facts.stamp}`;
  for (const waiting of all("#frames .behind")) waiting.remove();
  settle();
  $("frames").append(next);
  fit();
  const ready = new Promise((done) => { settle = done; });
  next.addEventListener("load", () => {
    settle();
    if (!next.isConnected) return;
    const page = next.contentDocument;
    const kept = frame && frameOf.split("?")[0] === view.split("?")[0] && sameShow(frameOf, view);
    if (kept) next.contentWindow.scrollTo(0, frame.contentWindow.scrollY);
    page?.addEventListener("keydown", onKey);
    frame?.remove();
    frame = next;
    frameOf = view;
    next.className = "";
    next.dataset.stamp = facts.stamp;
    fit();
    if (chosen >= 0) locate(found[chosen], { scroll: !kept });
  });
  return ready;
}

const sameShow = (one, other) => {
  const show = (view) => new URLSearchParams(view.split("?")[1]).get("show");
  return show(one) === show(other);
};

// The frame has the width of the device; where there is less room it is drawn smaller.
function fit() {
  const room = $("frames");
  const whole = ["inbox", "source"].includes(state.show);
  const wanted = whole ? room.clientWidth : state.width === "desktop" ? Math.max(WIDTHS.desktop, room.clientWidth) : WIDTHS[state.width];
  const scale = Math.min(1, room.clientWidth / wanted);
  room.dataset.width = whole ? "whole" : state.width;
  for (const each of all("iframe", room)) {
    each.style.width = `${wanted}px`;
    each.style.height = `${room.clientHeight / scale}px`;
    each.style.transform = scale < 1 ? `scale(${scale})` : "";
    each.style.marginLeft = scale < 1 ? "0" : `${Math.max(0, (room.clientWidth - wanted) / 2)}px`;
  }
}

// ---- the issue ----

function open(key) {
  if (!key) return;
  state.issue = key;
  facts = null;
  chosen = -1;
  turn++;
  frame = null;
  $("frames").replaceChildren();
  settle();
  remember();
  source?.close();
  source = new EventSource(`/changes?issue=${key}`);
  source.addEventListener("message", () => load());
  source.addEventListener("open", () => tell("", "Connected"));
  source.addEventListener("error", () => tell("lost", "The preview has ended: run newsletter preview again"));
}

async function load() {
  const mine = ++turn;
  const answer = await ask(`/sheet.json?issue=${state.issue}`).catch(() => null);
  if (mine !== turn || !answer) return;
  if (answer.error) {
    drawFault(answer.error);
    drawIssues();
    return;
  }
  facts = answer;
  $("fault").hidden = true;
  $("stage").classList.remove("faulty");
  drawSheet();
  drawControls();
  // The page first: whoever has just saved a file waits for it.
  await putFrame();
  if (mine !== turn) return;
  const proof = await ask(`/findings.json?issue=${state.issue}`).catch(() => null);
  if (mine !== turn || !proof) return;
  if (proof.error) drawFault(proof.error);
  else drawFindings(proof.findings);
  drawIssues();
}

const days = new Intl.DateTimeFormat("en-GB", { weekday: "short", day: "numeric", month: "long", year: "numeric", timeZone: "UTC" });
const dayOf = (key) => days.format(new Date(`${key}T00:00Z`));

function drawSheet() {
  $("date").textContent = dayOf(facts.key);
  $("subject").textContent = facts.subject;
  document.title = `${facts.subject} – light table`;
  const { seconds, limit } = facts.reading;
  const over = seconds > limit;
  const words = `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, "0")}`;
  $("reading-words").textContent = over ? `${words} – over ${limit / 60} min` : `${words} of ${limit / 60} min`;
  $("reading").setAttribute("aria-valuenow", Math.min(seconds, limit));
  $("reading").setAttribute("aria-valuetext", $("reading-words").textContent);
  $("reading").classList.toggle("over", over);
  $("reading-bar").style.width = `${Math.min(100, (100 * seconds) / limit)}%`;
  const at = new Date().toLocaleTimeString("en-GB");
  tell("live", `Composed at ${at} in ${Math.round(facts.composing * 1000)} ms`);
}

function tell(how, words) {
  $("dot").className = `dot ${how}`;
  $("status").textContent = words;
}

function drawFault(error) {
  $("date").textContent = dayOf(state.issue);
  $("fault-message").textContent = error.message;
  $("fault-where").textContent = error.where;
  $("fault-hint").textContent = error.hint;
  $("fault-lines").replaceChildren(
    ...error.lines.map(([number, text]) => {
      const line = document.createElement("li");
      line.value = number;
      line.textContent = text || " ";
      if (number === error.line) line.setAttribute("aria-current", "true");
      return line;
    }),
  );
  $("fault-lines").hidden = !error.lines.length;
  $("fault").hidden = false;
  $("stage").classList.add("faulty");
  $("found").replaceChildren(made("p", "soft", "Proof-reading waits until the issue can be composed."));
  $("line").textContent = "";
  found = [];
  $("count").textContent = "1";
  $("count").className = "count error";
  tell("fault", "Cannot be composed");
}

async function drawIssues() {
  const answer = await ask("/issues.json").catch(() => null);
  if (answer) listIssues(answer.issues);
}

function listIssues(listed) {
  issues = listed;
  $("issue-list").replaceChildren(
    ...issues.map((issue) => {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.append(
        made("span", "date", dayOf(issue.key)),
        " ",
        made("span", "state", issue.state),
        " ",
        made("span", "subject", issue.subject || "cannot be read"),
      );
      button.dataset.state = issue.state;
      if (issue.key === state.issue) button.setAttribute("aria-current", "true");
      button.addEventListener("click", () => {
        $("issues").close();
        open(issue.key);
      });
      item.append(button);
      return item;
    }),
  );
}

function made(tag, className, text) {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  return element;
}

// ---- findings ----

function drawFindings(findings) {
  const before = found[chosen];
  found = LEVELS.flatMap(([level]) => findings.filter((each) => each.level === level));
  chosen = before ? found.findIndex((each) => each.rule === before.rule && each.path === before.path && each.message === before.message) : -1;
  const groups = LEVELS.flatMap(([level, name]) => {
    const some = found.filter((each) => each.level === level);
    if (!some.length) return [];
    const list = document.createElement("ul");
    list.append(...some.map(drawFinding));
    const title = made("h3", level, name);
    title.append(made("span", "count", some.length));
    return [title, list];
  });
  $("found").replaceChildren(...(groups.length ? groups : [made("p", "clean", "Nothing to put right.")]));
  count();
  if (chosen >= 0) show(chosen, { quiet: true });
}

function drawFinding(each) {
  const item = document.createElement("li");
  const button = document.createElement("button");
  button.className = `finding ${each.level}`;
  if (each.waived) button.classList.add("waived");
  const place = [each.path.replace(`issues/${state.issue}/`, ""), each.line, each.column].filter(Boolean).join(":");
  button.append(made("span", "message", each.message), made("span", "place", place));
  button.append(made("span", "hint", each.waived ? `Waived: ${each.waived}` : each.hint));
  button.addEventListener("click", () => show(found.indexOf(each)));
  item.append(button);
  if (each.source) {
    const source = document.createElement("code");
    const at = Math.max(0, each.column - 1);
    const from = Math.max(0, at - 60);
    source.append(made("b", "", `${each.line} `), (from ? "…" : "") + each.source.slice(from, at));
    const rest = each.source.slice(at, at + 160);
    if (each.column && rest) source.append(made("mark", "", rest.match(/^\S+|^\s+\S*/u)[0]), rest.replace(/^\S+|^\s+\S*/u, ""));
    else source.append(rest);
    item.append(source);
  }
  return item;
}

function count() {
  const open_ = found.filter((each) => !each.waived && each.level !== "note");
  $("count").textContent = open_.length;
  $("count").className = `count ${open_.some((each) => each.level === "error") ? "error" : open_.length ? "warning" : ""}`;
}

function show(index, { quiet = false } = {}) {
  if (!found.length) return;
  chosen = (index + found.length) % found.length;
  const buttons = all(".finding");
  buttons.forEach((button, i) => button.setAttribute("aria-pressed", i === chosen));
  if (quiet) return;
  if (document.body.classList.contains("narrow-findings")) toggleFindings(false);
  else buttons[chosen].focus({ preventScroll: false });
  if (!["mail", "text"].includes(state.show)) set("show", "mail");
  else locate(found[chosen]);
}

function locate(each, { scroll = true } = {}) {
  const page = frame?.contentDocument;
  if (!page?.body || !each) return;
  const word = each.source ? findWord(page, each.source, each.column || 1) : null;
  const kept = frame.contentWindow.scrollY;
  if (word) {
    markWord(page, word);
    if (!scroll) frame.contentWindow.scrollTo({ top: kept, behavior: "instant" });
    $("line").textContent = "";
  } else {
    page.getElementById("light-table-mark")?.remove();
    $("line").textContent = "This one has no place of its own in the page.";
  }
}

function toggleFindings(on = !document.body.classList.contains("narrow-findings")) {
  const narrow = NARROW.matches;
  if (narrow) document.body.classList.toggle("narrow-findings", on);
  else document.body.classList.toggle("no-findings");
  const shown = narrow ? document.body.classList.contains("narrow-findings") : !document.body.classList.contains("no-findings");
  $("to-findings").setAttribute("aria-expanded", shown);
  fit();
}

// ---- deeds ----

$("send-form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const address = $("address").value;
  localStorage.setItem("address", address);
  $("sent").textContent = "Sending…";
  const answer = await fetch("/test", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ issue: state.issue, address }),
  }).then((response) => response.json()).catch(() => ({ error: { message: "the preview does not answer", where: "", hint: "" } }));
  const { error } = answer;
  $("sent").className = error ? "bad" : "good";
  $("sent").textContent = error ? [error.where && `${error.where}: `, error.message, error.hint && ` – ${error.hint}`].join("") : answer.said;
});

$("reader-form").addEventListener("submit", (event) => {
  event.preventDefault();
  showReader($("name").value, $("email").value);
});
$("nobody").addEventListener("click", () => showReader("", ""));

function showReader(name, email) {
  Object.assign(state, { name, email });
  $("reader").close();
  remember();
  drawControls();
  putFrame();
}

const dialogs = {
  issues: () => $("issue-list").querySelector("[aria-current]")?.focus(),
  send: () => { $("address").value = localStorage.getItem("address") || ""; $("sent").textContent = ""; $("address").focus(); },
  reader: () => { $("name").value = state.name; $("email").value = state.email; $("name").focus(); },
  keys: () => {},
};

function openDialog(id) {
  if ($(id).open) return;
  if (id === "issues") listIssues(issues);
  $(id).showModal();
  dialogs[id]();
}

function another(step) {
  // The list begins with the newest.
  const index = issues.findIndex((issue) => issue.key === state.issue);
  if (issues[index - step]) open(issues[index - step].key);
}

const KEYS = {
  m: () => set("show", "mail"), w: () => set("show", "web"), t: () => set("show", "text"), b: () => set("show", "inbox"),
  c: () => set("show", "clipped"), s: () => set("show", "source"),
  1: () => set("width", "desktop"), 2: () => set("width", "tablet"), 3: () => set("width", "phone"),
  l: () => set("colours", "light"), d: () => set("colours", "dark"),
  g: () => set("colours", "gmail"), o: () => set("colours", "outlook"),
  a: () => $("client").focus(),
  i: () => set("pictures", state.pictures === "on" ? "off" : "on"),
  j: () => show(chosen + 1), k: () => show(chosen < 0 ? -1 : chosen - 1),
  f: () => toggleFindings(), n: () => openDialog("issues"), r: () => openDialog("reader"),
  e: () => openDialog("send"), "?": () => openDialog("keys"),
  "[": () => another(-1), "]": () => another(1),
};

function onKey(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest?.("input:not([type=radio]), select, dialog[open]")) return;
  const deed = KEYS[event.key];
  if (!deed) return;
  event.preventDefault();
  deed();
}

document.addEventListener("keydown", onKey);
for (const input of all("nav input[type=radio]")) input.addEventListener("change", () => set(input.name, input.value));
$("pictures").addEventListener("click", () => KEYS.i());
$("client").addEventListener("change", () => set("client", $("client").value));
$("to-options").addEventListener("click", () => {
  const open = document.body.classList.toggle("options");
  $("to-options").setAttribute("aria-expanded", open);
});
$("pick").addEventListener("click", () => openDialog("issues"));
$("to-send").addEventListener("click", () => openDialog("send"));
$("to-reader").addEventListener("click", () => openDialog("reader"));
$("to-keys").addEventListener("click", () => openDialog("keys"));
$("to-findings").addEventListener("click", () => toggleFindings());
new ResizeObserver(fit).observe($("frames"));

ask("/issues.json").then((answer) => {
  listIssues(answer.issues);
  for (const { key, name } of answer.clients) $("client").append(new Option(name, key));
  drawControls();
  open(/^\d{4}-\d{2}-\d{2}$/.test(state.issue) ? state.issue : answer.first);
});
