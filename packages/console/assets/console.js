// What the pages do by themselves: times in the reader's zone, keys, and what is live.

const local = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "long" });

/** Adds the reader's zone to what is shown on hover. */
document.addEventListener("pointerover", ({ target }) => {
  const time = target instanceof Element ? target.closest("time[datetime]:not([data-zone])") : null;
  const date = new Date(time?.dateTime);
  if (Number.isNaN(date.getTime())) return;
  time.title = `${time.title}\n${local.format(date)}`;
  time.dataset.zone = "local";
});

// On a narrow screen the navigation scrolls.
document.querySelector("nav [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });

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

const RETRY_MS = 5_000;

/** Whoever looks at the page next must sign in, if the session has ended. */
async function checkSession() {
  const { status } = await fetch(location.href, { headers: { "x-dossier-refresh": "1" } });
  if (status === 401) location.reload();
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

  /** Where there are none, htmx reads the page again and again. */
  const { events } = bar.dataset;
  let stop;
  let retry;
  let isPaused = false;
  let isSilent = false;
  let isHeld = false;
  /** What came while a part was in use, by name: the newest of each. */
  const held = new Map();

  function showState() {
    let state = "Live";
    if (isPaused) state = "Paused";
    else if (isSilent) state = "No answer; trying again";
    else if (isHeld) state = "Held while you are in it";
    if (status.textContent !== state) status.textContent = state;
    button.replaceChildren(isPaused ? "Go on " : "Pause ", key);
  }

  const isAnyInUse = () => [...document.querySelectorAll("[data-live]")].some(isInUse);

  function show() {
    if (!isPaused && !isAnyInUse()) {
      replaceParts([...held]);
      held.clear();
    }
    isHeld = held.size > 0;
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
          void checkSession()
            .catch(() => undefined)
            .then(start),
        RETRY_MS,
      );
  }

  /** Stops what htmx is about to do while nothing may move. */
  function holdBack(event) {
    isHeld = isAnyInUse();
    if (isPaused || isHeld || document.hidden) event.preventDefault();
    showState();
  }

  function start() {
    stop?.();
    clearTimeout(retry);
    stop = undefined;
    if (isPaused || document.hidden) return;
    if (events === undefined) bar.dispatchEvent(new Event("refresh"));
    else stop = followEvents(events, { onParts, onSilence });
  }

  function pause() {
    isPaused = !isPaused;
    isSilent = false;
    show();
    start();
  }

  /** What waited is shown once nobody is in it. */
  function goOn() {
    if (!isHeld || isAnyInUse()) return;
    show();
    if (events === undefined) start();
  }

  bar.hidden = false;
  button.addEventListener("click", pause);
  bar.addEventListener("htmx:before:request", holdBack);
  bar.addEventListener("htmx:before:swap", (event) => {
    isSilent = !event.detail.ctx.response.raw.ok;
    if (isSilent) event.preventDefault();
    holdBack(event);
  });
  bar.addEventListener("htmx:error", () => onSilence());
  for (const event of ["pointermove", "focusout", "selectionchange"])
    document.addEventListener(event, () => isHeld && setTimeout(goOn));
  document.addEventListener("visibilitychange", start);
  show();
  if (events !== undefined) start();
  return { pause };
}

const bar = document.querySelector("#live");
const live = bar === null ? undefined : goLive(bar);

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target instanceof HTMLElement && event.target.closest("input, textarea, select")) return;
  if (event.key === "r") live?.pause();
  if (event.key === "/") {
    event.preventDefault();
    const search = document.querySelector("#search, .filter :is(input, select)");
    if (search === null) location.assign("/natural-persons#search");
    else search.focus();
  }
});

// A person's page: each step of a slider is the time of an event, and the last one is now. htmx shows the page of then.
document.addEventListener("input", ({ target }) => {
  const { field, times } = target.dataset;
  if (times === undefined) return;
  const time = times.split(",")[Number(target.value)] ?? "";
  document.getElementById(field).value = time;
  target.setAttribute("aria-valuetext", time === "" ? "now" : time);
});
// Its URL says the times that are not now.
document.querySelector(".travel")?.addEventListener("formdata", ({ formData }) => {
  for (const [name, time] of Array.from(formData)) if (time === "") formData.delete(name);
});
