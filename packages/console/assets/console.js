// What the pages do by themselves: times in the reader's zone, keys, and what is live.

const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

/** Adds the reader's zone to what is shown on hover. */
function explainTimes(root) {
  for (const time of root.querySelectorAll("time[datetime]")) {
    const date = new Date(time.dateTime);
    if (!Number.isNaN(date.getTime()) && time.dataset.zone === undefined) {
      time.title = `${time.title}\n${local.format(date)}`;
      time.dataset.zone = "local";
    }
  }
}

explainTimes(document);
// Another script has shown other parts of the page.
document.addEventListener("dossier-shown", () => explainTimes(document));

/**
 * Receives the page's parts as Server-Sent Events. Returns what ends it.
 *
 * @param {string} path
 */
function followEvents(path, { onParts, onSilence }) {
  const source = new EventSource(path);
  source.addEventListener("parts", ({ data }) => onParts(Object.entries(JSON.parse(data))));
  source.addEventListener("unavailable", onSilence);
  // Whoever looks at the page next must sign in.
  source.addEventListener("signed-out", () => location.reload());
  source.addEventListener("error", () => onSilence(source.readyState === EventSource.CLOSED));
  return () => source.close();
}

const REFRESH_MS = 5_000;

/** Reads the whole page again and again, where there are no events. Returns what ends it. */
function followPage({ onParts, onSilence }) {
  let timer;
  async function refresh() {
    const page = await readPage().catch(() => undefined);
    if (timer === undefined) return;
    if (page === undefined) onSilence();
    else
      onParts([...page.querySelectorAll("[data-live]")].map((part) => [part.dataset.live, part.innerHTML]));
    timer = setTimeout(() => void refresh(), REFRESH_MS);
  }
  timer = setTimeout(() => void refresh(), REFRESH_MS);
  return () => {
    clearTimeout(timer);
    timer = undefined;
  };
}

/** Returns the page as it is now; `undefined` if it cannot be read. */
async function readPage() {
  const response = await fetch(location.href, { headers: { "x-dossier-refresh": "1" } });
  if (response.status === 401) location.reload();
  if (!response.ok) return undefined;
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

/** Whether somebody points at a part of the page, is in it, or has text of it selected. */
function isInUse(part) {
  const selection = getSelection();
  return (
    part.matches(":hover") ||
    part.contains(document.activeElement) ||
    (selection !== null && !selection.isCollapsed && part.contains(selection.anchorNode))
  );
}

/** @param {[name: string, part: string][]} parts */
function replaceParts(parts) {
  for (const [name, part] of parts) {
    const shown = document.querySelector(`[data-live="${name}"]`);
    if (shown === null) continue;
    const wasOpen = [...shown.querySelectorAll("details")].map(({ open }) => open);
    shown.innerHTML = part;
    for (const [n, details] of shown.querySelectorAll("details").entries())
      details.open ||= wasOpen[n] === true;
    explainTimes(shown);
  }
}

/**
 * Keeps the page live as long as somebody looks. Nothing moves under a pointer: while one part is in use, all wait, as a
 * part that grows moves those below it.
 *
 * @param {HTMLElement} bar says whether the page is live
 */
function goLive(bar) {
  const status = document.createElement("span");
  status.role = "status";
  const button = document.createElement("button");
  button.type = "button";
  button.className = "link";
  button.ariaKeyShortcuts = "r";
  const key = document.createElement("kbd");
  key.textContent = "r";
  bar.replaceChildren(status, " · ", button);

  let stop;
  let retry;
  let isPaused = false;
  let isSilent = false;
  /** What came while a part was in use, by name: the newest of each. */
  const held = new Map();

  function showState() {
    let state = "Live";
    if (isPaused) state = "Paused";
    else if (isSilent) state = "No answer; trying again";
    else if (held.size > 0) state = "Held while you are in it";
    if (status.textContent !== state) status.textContent = state;
    button.replaceChildren(isPaused ? "Go on " : "Pause ", key);
  }

  function show() {
    if (!isPaused && ![...document.querySelectorAll("[data-live]")].some(isInUse)) {
      replaceParts([...held]);
      held.clear();
    }
    showState();
  }

  function onParts(parts) {
    isSilent = false;
    for (const [name, part] of parts) held.set(name, part);
    show();
  }

  /** @param isEnded whether nothing more comes by itself, as the events were refused */
  function onSilence(isEnded) {
    isSilent = true;
    showState();
    if (isEnded === true)
      retry = setTimeout(
        () =>
          void readPage()
            .catch(() => undefined)
            .then(start),
        REFRESH_MS,
      );
  }

  function start() {
    stop?.();
    clearTimeout(retry);
    stop = undefined;
    if (isPaused || document.hidden) return;
    const { events } = bar.dataset;
    const handlers = { onParts, onSilence };
    stop = events === undefined ? followPage(handlers) : followEvents(events, handlers);
  }

  function pause() {
    isPaused = !isPaused;
    isSilent = false;
    show();
    start();
  }

  bar.hidden = false;
  button.addEventListener("click", pause);
  for (const event of ["pointermove", "focusout", "selectionchange"])
    document.addEventListener(event, () => held.size > 0 && setTimeout(show));
  document.addEventListener("visibilitychange", start);
  show();
  start();
  return { pause };
}

const PROGRESS_MS = 2_000;

/** Reads a page that shows progress again every few seconds, until it shows none, and shows its parts as they are now. */
async function followProgress() {
  while (document.querySelector("[data-running]") !== null) {
    await new Promise((resolve) => setTimeout(resolve, PROGRESS_MS));
    if (!document.hidden) await readParts().catch(() => undefined);
  }
}

async function readParts() {
  const answer = await fetch(location.href, { headers: { "x-dossier-refresh": "1" } });
  // Whoever looks at the page next must sign in.
  if (answer.status === 401) location.reload();
  if (!answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of page.querySelectorAll("[data-part]")) {
    const shown = document.querySelector(`[data-part="${part.dataset.part}"]`);
    if (shown === null || shown.matches(":hover") || shown.contains(document.activeElement)) continue;
    explainTimes(part);
    shown.replaceChildren(...part.childNodes);
  }
}

void followProgress();

const bar = document.querySelector("#live");
const live = bar === null ? undefined : goLive(bar);

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target instanceof HTMLElement && event.target.closest("input, textarea, select")) return;
  if (event.key === "r") live?.pause();
  if (event.key === "/") {
    const search = document.querySelector("#search");
    if (search === null) return;
    event.preventDefault();
    search.focus();
  }
});
