"use strict";
// Draws the table of all answers and opens one at a time. Every word is written as text, never as markup.
const one = (selector, from = document) => from.querySelector(selector);
const all = (selector, from = document) => [...from.querySelectorAll(selector)];
const MARKS = { p: ["●", "failed"], a: ["", "avoided"], u: ["?", "undecided"], n: ["·", "does not apply"], "-": ["", "no verdict"] };
const PER_PAGE = 50;
const STATUS = ["", "For review", "Failed"];

function make(tag, options = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(options)) {
    if (name === "on") for (const [event, action] of Object.entries(value)) node.addEventListener(event, action);
    else if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

async function unpack(element) {
  const bytes = Uint8Array.from(atob(element.textContent), (letter) => letter.charCodeAt(0));
  return JSON.parse(await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"))).text());
}

function chooseSlices() {
  const slices = all(".slice");
  if (slices.length < 2) return;
  const select = one("#slice");
  slices.forEach((slice, number) => select.append(make("option", { value: number }, slice.dataset.title)));
  const show = () => slices.forEach((slice, number) => { slice.hidden = number !== Number(select.value); });
  select.addEventListener("change", show);
  one(".chooser").hidden = false;
  show();
}

async function main() {
  chooseSlices();
  const place = one("#table");
  if (!("DecompressionStream" in window)) {
    place.append(make("p", {}, "This browser is too old to unpack the table; evaluations.csv beside this page holds it."));
    return;
  }
  const [meta] = await unpack(one("#meta"));
  const rows = [];
  let line = 0;
  let held = 0;
  for (const chunk of all("script.rows")) {
    for (const [name, status, score, band, verdicts, embedded, message, values] of await unpack(chunk)) {
      const failed = status === 2;
      if (!failed) line += 1;
      rows.push({
        number: rows.length, name, status, score, band, verdicts, message, values, line,
        detail: embedded ? held++ : null,
        text: [name, ...values].join("\n").toLowerCase(),
      });
    }
  }
  const chunks = all("script.details");
  const unpacked = new Map();
  async function detailOf(row) {
    const holds = Number(chunks[0].dataset.holds);
    const chunk = Math.floor(row.detail / holds);
    if (!unpacked.has(chunk)) {
      if (unpacked.size > 8) unpacked.clear();
      unpacked.set(chunk, await unpack(chunks[chunk]));
    }
    return unpacked.get(chunk)[row.detail % holds];
  }

  const wish = { text: "", outcome: "", mode: "", values: meta.columns.map(() => ""), key: "number", down: false, page: 0 };
  let shown = rows;

  function passes(row) {
    if (wish.text && !row.text.includes(wish.text)) return false;
    if (wish.outcome.startsWith("s") && row.status !== Number(wish.outcome.slice(1))) return false;
    if (wish.outcome.startsWith("b") && row.band !== Number(wish.outcome.slice(1))) return false;
    if (wish.mode !== "" && row.verdicts[wish.mode] !== "p") return false;
    return wish.values.every((value, column) => !value || row.values[column] === value);
  }

  function sortKey(row) {
    if (wish.key.startsWith("c")) return "pauna-".indexOf(row.verdicts[Number(wish.key.slice(1))] ?? "-");
    if (wish.key.startsWith("v")) return row.values[Number(wish.key.slice(1))];
    if (wish.key === "score") return row.score ?? (wish.down ? -1 : 101);
    if (wish.key === "outcome") return row.status * 100 + row.band;
    return row[wish.key];
  }

  function choose() {
    shown = rows.filter(passes);
    const keys = new Map(shown.map((row) => [row, sortKey(row)]));
    const collate = new Intl.Collator(undefined, { numeric: true }).compare;
    const compare = (a, b) => (typeof a === "string" ? collate(a, b) : a - b);
    shown.sort((a, b) => (wish.down ? -1 : 1) * compare(keys.get(a), keys.get(b)) || a.number - b.number);
    wish.page = 0;
    draw();
  }

  const outcomeOf = (row) => (row.status ? STATUS[row.status] : meta.bands[row.band]?.[0] ?? "");
  const table = make("table", { class: "answers" });
  const count = make("p", { class: "soft", role: "status" });
  const back = make("button", { type: "button", on: { click: () => { wish.page -= 1; draw(); } } }, "Back");
  const on = make("button", { type: "button", on: { click: () => { wish.page += 1; draw(); } } }, "Next");

  function heading(label, key, style) {
    const sorted = wish.key === key ? (wish.down ? "descending" : "ascending") : null;
    const sort = () => { wish.down = wish.key === key && !wish.down; wish.key = key; choose(); one(`[data-key="${key}"]`, table).focus(); };
    return make("th", { scope: "col", class: style, "aria-sort": sorted }, make("button", { type: "button", "data-key": key, title: `Sort by ${label}`, on: { click: sort } }, label));
  }

  function drawRow(row, at) {
    const [band, tone] = row.status ? [STATUS[row.status], ""] : meta.bands[row.band] ?? ["", ""];
    const cells = meta.criteria.map(([title, severity], number) => {
      const letter = row.verdicts[number] ?? "-";
      const [sign, words] = MARKS[letter];
      return make("td", { class: `cell ${letter} ${severity}`, title: `${title}: ${words}` }, sign, make("span", { class: "hidden" }, words));
    });
    return make("tr", {},
      make("th", { scope: "row", class: "item" }, make("button", { type: "button", class: "open-item", on: { click: () => open(at) } }, make("bdi", {}, row.name))),
      make("td", { class: "number" }, row.score === null ? "–" : String(row.score)),
      make("td", { class: "bandcell" }, make("span", { class: `dot ${tone}`, "aria-hidden": "true" }), band),
      ...row.values.map((value) => make("td", {}, make("bdi", {}, value))),
      ...cells);
  }

  function draw() {
    const first = wish.page * PER_PAGE;
    const here = shown.slice(first, first + PER_PAGE);
    const head = make("tr", {}, heading("Answer", "name", "item"), heading("Score", "score"), heading("Outcome", "outcome"),
      ...meta.columns.map((name, number) => heading(name, `v${number}`)),
      ...meta.criteria.map(([title], number) => heading(title, `c${number}`, "mode")));
    table.replaceChildren(make("thead", {}, head), make("tbody", {}, ...here.map((row, number) => drawRow(row, first + number))));
    count.textContent = shown.length ? `${first + 1} to ${first + here.length} of ${shown.length} answers` : "No answer fits.";
    back.disabled = wish.page === 0;
    on.disabled = first + PER_PAGE >= shown.length;
  }

  function filter(label, options, set) {
    const select = make("select", { on: { change: () => { set(select.value); choose(); } } }, make("option", { value: "" }, "All"),
      ...options.map(([value, words]) => make("option", { value }, words)));
    return make("label", {}, label, select);
  }

  // --- one answer ---------------------------------------------------------------------------------------------------
  const dialog = one("#answer");
  const badge = (label, tone) => make("span", { class: `ref ${tone}` }, label);
  function lead(target, options, ...children) {
    const go = (event) => {
      event.preventDefault();
      const node = document.getElementById(target);
      node?.scrollIntoView({ block: "center" });
      node?.focus({ preventScroll: true });
    };
    return make("a", { href: `#${target}`, on: { click: go }, ...options }, ...children);
  }
  const quote = ([words, where], card, number) => make("blockquote", {}, "“", make("bdi", {}, words), "” ",
    lead(`mark-${card}-${number + 1}`, { class: "small" }, where || "in the transcript"));
  const list = (title, lines) => (lines.length ? make("p", { class: "small" }, make("span", { class: "tag" }, `${title}: `), lines.join("; ")) : null);

  function drawTurn([role, speaker, time, pieces, missing]) {
    const words = make("p", { class: "words", dir: "auto" });
    for (const piece of pieces) {
      if (typeof piece === "string") { words.append(piece); continue; }
      const [text, marks] = piece;
      words.append(make("mark", { class: marks[0][1] }, text));
      words.append(...marks.map(([label, tone, starts]) => lead(`card-${label}`, { class: `ref ${tone}`, id: starts ? `mark-${label}-${starts}` : null }, label)));
    }
    return make("div", { class: `turn ${role}` },
      make("p", { class: "who" }, make("bdi", {}, speaker), time ? make("time", {}, time) : null), words,
      missing.length ? make("p", { class: "missing" }, "Missing here: ", ...missing.map(([label, tone]) => lead(`card-${label}`, { class: `ref ${tone}` }, label))) : null);
  }

  function drawDetail(row, detail) {
    const [unscored, na, absent] = detail.others.map((numbers) => numbers.map((number) => meta.criteria[number][0]));
    const failed = detail.failed.map(([label, criterion, sure, quotes, due, reason]) => {
      const [title, severity, why, fix, drill] = meta.criteria[criterion];
      return make("article", { class: `card ${severity}`, id: `card-${label}`, tabindex: -1 },
        make("h3", {}, badge(label, severity), title),
        make("p", { class: `badge ${severity}` }, `${severity} `, make("span", {}, sure)),
        ...quotes.map((words, number) => quote(words, label, number)),
        due !== null && !quotes.length ? make("p", {}, `Missing from turn ${due}.`) : null,
        make("p", {}, reason),
        make("dl", {}, make("dt", {}, "Why it matters"), make("dd", {}, why), make("dt", {}, "Fix"), make("dd", {}, fix), make("dt", {}, "Practise"), make("dd", {}, drill)));
    });
    const strong = detail.strong.map(([label, note, quotes]) => make("article", { class: "card strength", id: `card-${label}`, tabindex: -1 },
      make("h3", {}, badge(label, "strength"), note), ...quotes.map((words, number) => quote(words, label, number))));
    return [
      make("p", { class: "soft small facts" }, ...detail.lines.map((words) => make("span", {}, words)), ...detail.columns.map(([name, value]) => make("bdi", {}, `${name}: ${value}`))),
      detail.review.length ? make("div", { class: "review" }, ...detail.review.map((words) => make("p", {}, words))) : null,
      detail.summary ? make("p", { class: "summary" }, detail.summary) : null,
      make("div", { class: "beside" },
        make("section", { class: "sheet" }, make("h3", {}, "Transcript"),
          detail.question ? make("p", { class: "question" }, make("span", { class: "tag" }, "Question: "), make("bdi", {}, detail.question)) : null,
          ...detail.turns.map(drawTurn)),
        make("div", { class: "stack" },
          make("section", {}, make("h3", {}, "What failed"), ...(failed.length ? failed : [make("p", {}, "Nothing that could be decided.")]), list("Could not tell", unscored), list("Does not apply", na)),
          strong.length || absent.length ? make("section", {}, make("h3", {}, "What went well"), ...strong, list("Avoided", absent)) : null,
          detail.answer ? make("section", {}, make("h3", {}, "A better answer, by a model"), make("p", {}, detail.answer)) : null,
          detail.next.length ? make("section", {}, make("h3", {}, "What they may ask next"), make("ul", { class: "list" }, ...detail.next.map((words) => make("li", {}, words)))) : null,
          make("section", {}, make("h3", {}, "How the score came about"), ...detail.account.map((words) => make("p", { class: "small soft" }, words))))),
    ];
  }

  async function open(at) {
    const row = shown[at];
    const step = (label, to) => make("button", { type: "button", disabled: to < 0 || to >= shown.length, on: { click: () => open(to) } }, label);
    const close = make("button", { type: "button", on: { click: () => dialog.close() } }, "Close");
    const parts = row.status === 2 ? [make("p", { class: "review" }, row.message)]
      : row.detail === null ? [make("p", { class: "review" }, `This page had no room for it: line ${row.line} of evaluations.jsonl beside this page holds it.`)]
      : drawDetail(row, await detailOf(row));
    dialog.replaceChildren(make("div", { class: "bar-top" }, step("Previous", at - 1), step("Next", at + 1), close),
      make("p", { class: "kicker" }, make("bdi", {}, row.name)),
      make("h2", { id: "answer-title" }, outcomeOf(row), row.score === null ? "" : ` · ${row.score} of 100`), ...parts.filter(Boolean));
    dialog.scrollTop = 0;
    history.replaceState(null, "", `#answer-${row.number + 1}`);
    if (!dialog.open) dialog.showModal();
    close.focus();
  }
  dialog.addEventListener("close", () => history.replaceState(null, "", "#items"));
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: 0, ArrowRight: 1 }[event.key];
    if (step !== undefined) all(".bar-top button", dialog)[step].click();
  });

  const search = make("input", { type: "search", on: { input: () => { wish.text = search.value.toLowerCase(); choose(); } } });
  place.append(
    make("div", { class: "filters" },
      make("label", {}, "Name or column", search),
      filter("Outcome", [...meta.bands.map(([title], number) => [`b${number}`, title]), ["s1", STATUS[1]], ["s2", STATUS[2]]], (value) => { wish.outcome = value; }),
      filter("Failed by", meta.criteria.map(([title], number) => [number, title]), (value) => { wish.mode = value; }),
      ...meta.columns.map((name, column) => filter(name, [...new Set(rows.map((row) => row.values[column]).filter(Boolean))].sort().map((value) => [value, value]), (value) => { wish.values[column] = value; }))),
    make("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "All answers" }, table),
    make("div", { class: "pager" }, back, on, count));
  choose();
  const asked = /^#answer-(\d+)$/.exec(location.hash);
  const at = asked ? shown.findIndex((row) => row.number === Number(asked[1]) - 1) : -1;
  if (at >= 0) await open(at);
}

main();
