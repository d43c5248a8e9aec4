// A person's page: each step of a slider is the time of an event, and the last one is now. The page's parts follow it.

const WAIT_MS = 120;

let latest = 0;

for (const slider of document.querySelectorAll("input[data-times]")) {
  const field = /** @type {HTMLInputElement} */ (document.getElementById(slider.dataset.field));
  const times = `${slider.dataset.times}`.split(",");
  slider.hidden = false;
  slider.addEventListener("input", () => {
    field.value = times[Number(slider.value)] ?? "";
    slider.setAttribute("aria-valuetext", field.value === "" ? "now" : field.value);
    void travel();
  });
}

/** Shows the page at the times in the fields, and has its URL say them. */
async function travel() {
  latest++;
  const mine = latest;
  await new Promise((resolve) => setTimeout(resolve, WAIT_MS));
  if (mine !== latest) return;
  const url = new URL(location.href);
  for (const { name, value } of document.querySelectorAll("[data-travel-field]")) {
    if (value === "") url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  const response = await fetch(url).catch(() => undefined);
  if (mine !== latest) return;
  // The session has ended, or the console says what is wrong: the browser shows it.
  if (response === undefined || !response.ok || response.redirected) {
    location.assign(url);
    return;
  }
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  if (mine !== latest) return;
  for (const part of page.querySelectorAll("[data-travel]"))
    document.querySelector(`[data-travel="${part.dataset.travel}"]`)?.replaceChildren(...part.childNodes);
  history.replaceState(null, "", url);
  document.dispatchEvent(new Event("dossier-shown"));
}
