// What the pages do by themselves: times in the reader's zone, keys, and the refresh of what is live.

const REFRESH_MS = 5_000;

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

const live = document.querySelector("#live");
let isPaused = false;

/**
 * A part is left as it is while somebody points at it, is in it, or has text of it selected.
 *
 * @param {Element} part
 */
function isInUse(part) {
  const selection = getSelection();
  return (
    part.matches(":hover") ||
    part.contains(document.activeElement) ||
    (selection !== null && !selection.isCollapsed && part.contains(selection.anchorNode))
  );
}

/** Returns the page as it is now; `undefined` if it cannot be read. */
async function readPage() {
  const response = await fetch(location.href, { headers: { "x-dossier-refresh": "1" } });
  // The session has ended: whoever looks at the page next must sign in.
  if (response.status === 401) location.reload();
  if (!response.ok) return undefined;
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

async function refresh() {
  if (isPaused || document.hidden) return;
  const page = await readPage().catch(() => undefined);
  show(page);
}

/** @param {Document | undefined} page */
function show(page) {
  // Somebody may have paused while it was read.
  if (isPaused) return;
  showState(page === undefined);
  for (const part of page?.querySelectorAll("[data-live]") ?? []) {
    const shown = document.querySelector(`[data-live="${part.dataset.live}"]`);
    if (shown === null || isInUse(shown)) continue;
    explainTimes(part);
    if (shown.innerHTML !== part.innerHTML) shown.replaceChildren(...part.childNodes);
  }
}

function showState(isStale = false) {
  const [word, action] = isPaused
    ? ["Paused", "goes on"]
    : [isStale ? "No answer; trying again" : "Live", "pauses"];
  const key = document.createElement("kbd");
  key.textContent = "r";
  live.replaceChildren(`${word} · `, key, ` ${action}`);
}

async function refreshForEver() {
  for (;;) {
    await new Promise((resolve) => setTimeout(resolve, REFRESH_MS));
    await refresh();
  }
}

if (live !== null) {
  live.hidden = false;
  showState();
  void refreshForEver();
  document.addEventListener("visibilitychange", () => void refresh());
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target instanceof HTMLElement && event.target.closest("input, textarea, select")) return;
  if (event.key === "r" && live !== null) {
    isPaused = !isPaused;
    showState();
    void refresh();
  }
  if (event.key === "/") {
    const search = document.querySelector("#search");
    if (search === null) return;
    event.preventDefault();
    search.focus();
  }
});
