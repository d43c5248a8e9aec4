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
 * Shows the parts of the page that the server sends, as long as somebody looks. Nothing moves under a pointer: while it
 * is over a part, or the focus or a selection is in one, all wait, as a part that grows moves those below it.
 *
 * @param {HTMLElement} bar says whether the page is live
 */
function goLive(bar) {
  const status = bar.querySelector("[role=status]");
  const button = bar.querySelector("button");
  const key = document.createElement("kbd");
  key.textContent = "r";
  /** @type {EventSource | undefined} */
  let source;
  let retry;
  let isPaused = false;
  let isSilent = false;
  /**
   * What came while the parts were in use, by name: the newest of each.
   *
   * @type {Map<string, string>}
   */
  const held = new Map();

  function isInUse() {
    const selection = getSelection();
    const parts = [...document.querySelectorAll("[data-live]")];
    return parts.some(
      (part) =>
        part.matches(":hover") ||
        part.contains(document.activeElement) ||
        (selection !== null && !selection.isCollapsed && part.contains(selection.anchorNode)),
    );
  }

  function showParts() {
    if (!isPaused && !isInUse()) {
      for (const [name, part] of held) {
        const shown = document.querySelector(`[data-live="${name}"]`);
        const wasOpen = [...shown.querySelectorAll("details")].map(({ open }) => open);
        shown.innerHTML = part;
        for (const [n, details] of shown.querySelectorAll("details").entries())
          details.open ||= wasOpen[n] === true;
        explainTimes(shown);
      }
      held.clear();
    }
    showState();
  }

  function showState() {
    const state = isPaused
      ? "Paused"
      : isSilent
        ? "No answer; trying again"
        : held.size > 0
          ? "Held while you are in it"
          : "Live";
    if (status.textContent !== state) status.textContent = state;
    button.replaceChildren(isPaused ? "Go on " : "Pause ", key);
  }

  function close() {
    source?.close();
    source = undefined;
    clearTimeout(retry);
  }

  function open() {
    close();
    if (isPaused || document.hidden) return;
    source = new EventSource(bar.dataset.events);
    source.addEventListener("parts", ({ data }) => {
      isSilent = false;
      for (const [name, part] of Object.entries(JSON.parse(data))) held.set(name, part);
      showParts();
    });
    source.addEventListener("unavailable", fail);
    // Whoever looks at the page next must sign in.
    source.addEventListener("signed-out", () => location.reload());
    source.addEventListener("error", () => {
      fail();
      // The browser connects again by itself, unless it was refused.
      if (source?.readyState === EventSource.CLOSED) retry = setTimeout(() => void reopen(), 5_000);
    });
  }

  function fail() {
    isSilent = true;
    showState();
  }

  async function reopen() {
    const headers = { "x-dossier-refresh": "1" };
    const answer = await fetch(location.href, { method: "HEAD", headers }).catch(() => undefined);
    if (answer?.status === 401) location.reload();
    else open();
  }

  function pause() {
    isPaused = !isPaused;
    isSilent = false;
    showParts();
    open();
  }

  bar.hidden = false;
  button.addEventListener("click", pause);
  for (const event of ["pointermove", "focusout", "selectionchange"])
    document.addEventListener(event, () => held.size > 0 && setTimeout(showParts));
  document.addEventListener("visibilitychange", open);
  showState();
  open();
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

const bar = document.querySelector("#live[data-events]");
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
