// What the page does beyond HTML: each part looks for its elements and does nothing where they are missing.
// It writes text and classes only, never markup, and asks nobody but this service.
"use strict";

const all = (selector, within = document) => Array.from(within.querySelectorAll(selector));
const one = (selector, within = document) => within.querySelector(selector);
const clock = (seconds) => `${Math.floor(seconds / 60)}:${String(Math.floor(seconds % 60)).padStart(2, "0")}`;
const count = (text) => (text.match(/[\p{L}\p{N}]+(?:['’.-][\p{L}\p{N}]+)*/gu) || []).length;

function questionTypesFollowTheRubric() {
  const rubric = one("#rubric");
  const types = one("#question_type");
  if (!rubric || !types) return;
  const show = () => {
    for (const group of all("optgroup", types)) {
      const here = group.dataset.rubric === rubric.value;
      group.hidden = !here;
      group.disabled = !here;
    }
    const chosen = types.selectedOptions[0];
    if (chosen && chosen.parentElement !== types && chosen.parentElement.disabled) types.value = "";
  };
  rubric.addEventListener("change", show);
  show();
}

function candidateFollowsKeeping() {
  const keep = one("#keep");
  const field = one("#candidate-field");
  if (!keep || !field) return;
  const show = () => { field.hidden = !keep.checked; };
  keep.addEventListener("change", show);
  show();
}

function filesCanBeDropped() {
  const area = one("[data-drop]");
  const input = one("#file");
  if (!area || !input) return;
  const holdsFile = (event) => event.dataTransfer && Array.from(event.dataTransfer.types).includes("Files");
  for (const kind of ["dragenter", "dragover"]) {
    area.addEventListener(kind, (event) => {
      if (!holdsFile(event)) return;
      event.preventDefault();
      area.classList.add("dropping");
    });
  }
  for (const kind of ["dragleave", "drop"]) area.addEventListener(kind, () => area.classList.remove("dropping"));
  area.addEventListener("drop", (event) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    input.files = event.dataTransfer.files;
    input.focus();
  });
}

function judgingTakesAMoment() {
  for (const form of all("form[data-judging]")) {
    const button = one("button.primary", form);
    const status = one("[data-status]", form);
    const title = button.textContent;
    form.addEventListener("submit", () => {
      form.setAttribute("aria-busy", "true");
      button.textContent = "Judging…";
      if (status) status.textContent = "Reading the answer against every failure mode.";
      // Not disabled before the form is on its way: a disabled button would hold it back.
      window.setTimeout(() => { button.disabled = true; }, 0);
    });
    window.addEventListener("pageshow", () => {
      form.removeAttribute("aria-busy");
      button.disabled = false;
      button.textContent = title;
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit(button);
    });
  }
}

function practiceHasAClock() {
  const form = one("form[data-practice]");
  if (!form) return;
  const limit = Number(form.dataset.practice);
  const text = one("#text", form);
  const timer = one("[data-timer]", form);
  const start = one("[data-start]", form);
  const reset = one("[data-reset]", form);
  const say = one("[data-say]", form);
  const words = one("[data-words]", form);
  const pace = one("[data-pace]", form);
  let begun = null;
  let said = new Set();
  const elapsed = () => (begun === null ? 0 : (performance.now() - begun) / 1000);
  const tell = (left, sentence) => {
    if (said.has(sentence) || elapsed() < limit - left) return;
    said.add(sentence);
    say.textContent = sentence;
  };
  const show = () => {
    const passed = elapsed();
    const left = limit - passed;
    timer.textContent = left >= 0 ? clock(Math.ceil(left)) : `+${clock(-left)}`;
    timer.classList.toggle("soon", begun !== null && left <= 30 && left >= 0);
    timer.classList.toggle("over", left < 0);
    const spoken = count(text.value);
    words.textContent = `${spoken} ${spoken === 1 ? "word" : "words"}`;
    pace.textContent = passed >= 10 && spoken ? `${Math.round((spoken * 60) / passed)} a minute` : "";
    if (begun === null) return;
    tell(60, "One minute left.");
    tell(30, "Thirty seconds left.");
    tell(0, "Time is up. Finish your sentence.");
  };
  const begin = () => {
    begun = performance.now();
    said = new Set();
    start.hidden = true;
    reset.hidden = false;
    form.classList.add("running");
    say.textContent = "The clock runs.";
    show();
  };
  start.hidden = false;
  start.addEventListener("click", () => { begin(); text.focus(); });
  reset.addEventListener("click", () => {
    begun = null;
    start.hidden = false;
    reset.hidden = true;
    form.classList.remove("running");
    say.textContent = "";
    show();
    start.focus();
  });
  text.addEventListener("beforeinput", (event) => {
    if (begun === null && event.inputType === "insertText") begin();
  });
  text.addEventListener("input", show);
  form.addEventListener("submit", () => { if (begun !== null) one("[data-taken]", form).value = elapsed().toFixed(1); });
  window.setInterval(show, 250);
  show();
}

function cardsAndMarksKnowEachOther() {
  const marks = new Map();
  for (const ref of all(".words a.ref")) {
    let mark = ref.previousElementSibling;
    while (mark && mark.tagName !== "MARK") mark = mark.previousElementSibling;
    if (!mark) continue;
    const card = ref.getAttribute("href").slice(1);
    if (!marks.has(card)) marks.set(card, new Set());
    marks.get(card).add(mark);
    if (!mark.dataset.card) mark.dataset.card = card;
  }
  for (const [card, its] of marks) {
    const shown = document.getElementById(card);
    if (!shown) continue;
    const holder = shown.closest(".card") || shown;
    const light = (on) => {
      holder.classList.toggle("lit", on);
      for (const mark of its) mark.classList.toggle("lit", on);
    };
    for (const element of [holder, ...its]) {
      element.addEventListener("pointerenter", () => light(true));
      element.addEventListener("pointerleave", () => light(false));
    }
    holder.addEventListener("focusin", () => light(true));
    holder.addEventListener("focusout", () => light(false));
    for (const mark of its) {
      if (mark.dataset.card !== card) continue;
      mark.addEventListener("click", () => {
        if (String(window.getSelection())) return;
        window.location.hash = card;
      });
    }
  }
}

function whatALinkMeansOpens() {
  const open = () => {
    const target = window.location.hash.length > 1 && document.getElementById(window.location.hash.slice(1));
    if (!target) return;
    const details = target.closest("details");
    if (details) details.open = true;
  };
  window.addEventListener("hashchange", open);
  open();
}

function jobsAreLookedAtAgain() {
  const waiting = one("[data-again]");
  if (!waiting) return;
  const look = async () => {
    try {
      const answer = await fetch(window.location.pathname, { cache: "no-store" });
      const text = await answer.text();
      if (!answer.ok || !text.includes("data-again")) { window.location.reload(); return; }
    } catch { /* the service is away for a moment: look again */ }
    window.setTimeout(look, Number(waiting.dataset.again));
  };
  window.setTimeout(look, Number(waiting.dataset.again));
}

function countsGoOn() {
  const counts = one("[data-counts]");
  if (!counts) return;
  const look = async () => {
    try {
      const answer = document.hidden ? null : await fetch(window.location.href, { cache: "no-store" });
      if (answer) {
        const page = new DOMParser().parseFromString(await answer.text(), "text/html");
        const fresh = all("[data-counts] dd", page);
        const shown = all("dd", counts);
        if (fresh.length !== shown.length) { window.location.reload(); return; }
        shown.forEach((figure, place) => { figure.textContent = fresh[place].textContent; });
      }
    } catch { /* the service is away for a moment: look again */ }
    window.setTimeout(look, Number(counts.dataset.counts));
  };
  window.setTimeout(look, Number(counts.dataset.counts));
}

function aNameIsWrittenOnce() {
  const fields = all("[data-reviewer]");
  if (!fields.length) return;
  let store = null;
  try { store = window.localStorage; } catch { /* a browser that keeps nothing: the name is written each time */ }
  const kept = store && store.getItem("reviewer");
  for (const field of fields) {
    if (kept && !field.value) field.value = kept;
    field.addEventListener("change", () => {
      if (store) store.setItem("reviewer", field.value);
      for (const other of fields) other.value = field.value;
    });
  }
}

function theProblemComesFirst() {
  const problem = one("#problem");
  if (problem) problem.focus();
}

function printing() {
  // Paper can't be unfolded: what is folded is shown on it, and folded again afterwards.
  let folded = [];
  window.addEventListener("beforeprint", () => {
    folded = all("details.more:not([open])");
    for (const details of folded) details.open = true;
  });
  window.addEventListener("afterprint", () => { for (const details of folded) details.open = false; });
  for (const button of all("[data-print]")) {
    button.hidden = false;
    button.addEventListener("click", () => window.print());
  }
}

questionTypesFollowTheRubric();
candidateFollowsKeeping();
filesCanBeDropped();
judgingTakesAMoment();
practiceHasAClock();
cardsAndMarksKnowEachOther();
whatALinkMeansOpens();
jobsAreLookedAtAgain();
countsGoOn();
aNameIsWrittenOnce();
theProblemComesFirst();
printing();
