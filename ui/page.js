// Runs once for each part of the page that shows HTML; Gradio supplies element, trigger and watch.
// A click on something with data attributes becomes an event for ui/chat.py.
const stacked = () => window.matchMedia("(max-width: 899px)").matches;
const motion = () => (window.matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth");
const column = () => document.querySelector("#column .sheet");

function onClick(event) {
  const hit = event.target.closest("[data-copy], [data-back], [data-question], [data-save], button[data-source], [data-number]");
  if (!hit || !element.contains(hit) || hit.matches(".sheet")) return;
  const { copy, back, question, save, source, turn, number } = hit.dataset;
  if (copy !== undefined) copyQuote(hit, copy);
  else if (back !== undefined) goBack();
  else if (question !== undefined) trigger("submit", { question });
  else if (save !== undefined) trigger("select", { turn: save });
  else if (source !== undefined) trigger("select", { source });
  else if (getSelection().isCollapsed || hit.matches("button")) {
    window.citewellOpener = { turn, number };
    trigger("click", { turn, number });
  }
}

async function copyQuote(button, text) {
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = "Copied";
  } catch {
    button.textContent = "Not allowed";
  }
  setTimeout(() => (button.textContent = "Copy"), 1500);
}

function goBack() {
  const { turn, number } = window.citewellOpener ?? column()?.dataset ?? {};
  const chip = document.querySelector(`:is(#transcript, #findings) .chip[data-turn="${turn}"][data-number="${number}"]`);
  chip?.scrollIntoView({ block: "center", behavior: motion() });
  chip?.focus({ preventScroll: true });
}

// Markers and list rows that belong to what the column shows.
function markCurrent() {
  const shown = column()?.dataset ?? {};
  for (const chip of document.querySelectorAll(".chip, .card")) {
    const current = chip.dataset.turn === shown.turn && chip.dataset.number === shown.number;
    if (chip.matches(".chip")) setCurrent(chip, current);
    chip.classList.toggle("current", current);
  }
  for (const row of document.querySelectorAll("#contents button[data-source]"))
    setCurrent(row, row.dataset.source === shown.source);
}

function setCurrent(button, current) {
  if (current) button.setAttribute("aria-current", "true");
  else button.removeAttribute("aria-current");
}

// The quote comes into view; the reader's own click also takes the focus there, an answer that arrives does not.
function revealColumn() {
  markCurrent();
  const pane = document.querySelector("#column");
  const mark = pane.querySelector("mark.current");
  const clicked = pane.querySelector('.sheet[data-by="reader"]') !== null;
  if (stacked()) {
    if (clicked) (mark ?? pane).scrollIntoView({ block: mark ? "center" : "start", behavior: motion() });
  } else {
    const space = mark ? mark.getBoundingClientRect().top - pane.getBoundingClientRect().top : 0;
    pane.scrollTo({ top: mark ? pane.scrollTop + space - pane.clientHeight / 3 : 0, behavior: motion() });
  }
  if (clicked) mark?.focus({ preventScroll: true });
}

// A file that is dropped on the tab is opened as if it had been chosen with the button.
function dropDraft(event, tab) {
  if (!event.dataTransfer.types.includes("Files")) return;
  event.preventDefault();
  const input = tab.querySelector("input[type=file]");
  if (event.type !== "drop" || !input || !event.dataTransfer.files.length) return;
  const files = new DataTransfer();
  files.items.add(event.dataTransfer.files[0]);
  input.files = files.files;
  input.dispatchEvent(new Event("change", { bubbles: true }));
}

// A new question comes to the top of the conversation, so that its answer is read from its first line.
function revealTurn() {
  markCurrent();
  const log = element.querySelector(".log");
  if (!log || log.dataset.state === element.dataset.state) return;
  element.dataset.state = log.dataset.state;
  const last = log.querySelector(".turn:last-of-type");
  if (last) last.scrollIntoView({ block: "start", behavior: motion() });
}

element.addEventListener("click", onClick);
if (element.closest("#column")) {
  element.addEventListener("keydown", (event) => event.key === "Escape" && goBack());
  watch("value", revealColumn);
}
if (element.closest("#transcript")) watch("value", revealTurn);
if (element.closest("#findings")) {
  watch("value", markCurrent);
  const tab = document.querySelector("#checker");
  for (const name of ["dragover", "drop"]) tab.addEventListener(name, (event) => dropDraft(event, tab));
}
