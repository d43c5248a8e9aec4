import { STATUSES, type Person } from "@dossier/events";
import { countPersons, countUnlessAll, type Pool, type StuckAfterHours } from "@dossier/store";
import type { Context } from "hono";
import { html } from "hono/html";
import { readPersonPage } from "../../api/person-filter.ts";
import { hasRole } from "../../auth.ts";
import { maskPerson } from "../../masking/mask-json.ts";
import { personPagePath } from "../../person-path.ts";
import { age, formatCounted, pageTime, statusLabel } from "../format.ts";
import { describe, pager, ROWS, timeHint } from "../list.ts";
import { page, type Html, type PageEnv } from "../page.ts";
import { readFilter, type FieldErrors, type Given } from "../read-filter.ts";
import { leadToList, openGiven, MAX_TERM_LENGTH, searchEnded } from "../sealed-search.ts";
import { listQuery, readListed } from "./listed.ts";

const PATH = "/natural-persons";

const TIMES = [
  { name: "asOf", label: "As of" },
  { name: "knownAt", label: "Known at" },
];

const FILTERS = ["status", "reviewNeeded", "unknownEvents", "stuck", "sort", "asOf", "knownAt"];

/** Returns the handler that leads from the form to the list. */
export function searchPersons() {
  return leadToList(PATH, "q", FILTERS);
}

/** Returns the handler of the list of persons, all of them masked. */
export function personListPage(pool: Pool, stuckAfterHours: StuckAfterHours) {
  return async (c: Context<PageEnv>): Promise<Response> => {
    const mayAct = hasRole(c.get("caller"), "operator");
    const form = (given: Given, errors?: FieldErrors) =>
      filterForm(openGiven(c, given["search"]), given, mayAct, errors);
    const read = readFilter(c, listQuery, { title: "People", fields: TIMES, form });
    if (!read.ok) return read.refusal;
    const listed = readListed(c, read.value, stuckAfterHours);
    if (listed === undefined) return searchEnded(c);
    const { asOf, knownAt } = listed.filter;
    const isPast = asOf !== undefined || knownAt !== undefined;
    const { persons, next } = await readPersonPage(pool, listed.filter, { ...read.value, limit: ROWS });
    const shown = { listed: persons.length, isAll: read.value.cursor === undefined && next === null };
    const count = isPast ? undefined : await countUnlessAll(shown, () => countPersons(pool, listed.filter));
    const query = read.given as Readonly<Record<string, string>>;
    return page(c, {
      title: "People",
      body: html`<div class="heading row">
          <div>
            <h1>People</h1>
            <p class="sub">
              ${count === undefined ? "Not counted at an earlier time." : html`<b>${formatCounted(count, "person")}</b>`}
              ${query["search"] === undefined ? "" : "found"}
            </p>
          </div>
          ${mayAct ? exportForm(query) : ""}
        </div>
        ${form(query)} ${table(persons, next !== null, pageTime(query["asOf"] ?? query["knownAt"], Date.now()))}
        ${pager(query, next, { first: "First", next: "Next" })}`,
    });
  };
}

function exportForm({ cursor: _, ...query }: Readonly<Record<string, string>>): Html {
  return html`<form method="post" action="${PATH}/export" class="push">
    ${Object.entries(query).map(([name, value]) => html`<input type="hidden" name="${name}" value="${value}" />`)}
    <button title="Names and e-mails stay masked. That you export is in the audit log.">Export CSV</button>
  </form>`;
}

function filterForm(term: string | undefined, given: Given, mayAct: boolean, errors: FieldErrors = {}): Html {
  const checkbox = (name: string, label: string, value = "true") =>
    html`<label class="check">
      <input type="checkbox" name="${name}" value="${value}" ${given[name] === value ? html`checked` : ""} />${label}
    </label>`;
  const times = TIMES.map(
    ({ name, label }) => html`<p>
      <label for="${name}">${label}</label>
      <input id="${name}" name="${name}" value="${given[name] ?? ""}" placeholder="now" autocomplete="off" ${describe(errors[name])} />
    </p>`,
  );
  return html`<form class="filter card" role="search" method="post" action="${PATH}">
    <p class="wide">
      <label for="search">${mayAct ? "Name, e-mail or id, or a part of one" : "Whole e-mail or whole id"}</label>
      <input
        id="search"
        name="q"
        type="search"
        value="${term ?? ""}"
        maxlength="${MAX_TERM_LENGTH}"
        autocomplete="off"
        spellcheck="false"
        dir="auto"
      />
    </p>
    <p>
      <label for="status">Status</label>
      <select id="status" name="status">
        <option value="">any</option>
        ${STATUSES.map(
          (status) =>
            html`<option value="${status}" ${status === given["status"] ? html`selected` : ""}>
              ${statusLabel(status)}
            </option>`,
        )}
      </select>
    </p>
    ${times}
    <p class="checks">${checkbox("reviewNeeded", "Review needed")} ${checkbox("unknownEvents", "Unknown events")}
      ${checkbox("stuck", "Stuck in a step")} ${checkbox("sort", "Longest without an event first", "waiting")}</p>
    <p><button class="primary">Search</button></p>
    ${timeHint}
  </form>`;
}

function table(persons: readonly Person[], isMore: boolean, then: number): Html {
  if (persons.length === 0)
    return isMore
      ? html`<p class="card"><b>None yet.</b> The next page looks further.</p>`
      : html`<p class="card"><b>Nobody.</b> No person matches.</p>`;
  return html`<section class="card flush">
    <table class="list persons">
      <thead>
        <tr>
          <th scope="col">Person</th>
          <th scope="col">E-mail</th>
          <th scope="col">Status</th>
          <th scope="col" class="num">Last event</th>
        </tr>
      </thead>
      <tbody>
        ${persons.map((person) => row(maskPerson(toListed(person)), then))}
      </tbody>
    </table>
  </section>`;
}

/** What a row shows of a person: masking all of a state takes longer than all else that the page does. */
function toListed(person: Person) {
  const { entityId, name, email, status, reviewNeeded, unrecognisedEvents, lastEventAt } = person;
  return { entityId, name, email, status, reviewNeeded, unrecognisedEvents, lastEventAt };
}

function row({ entityId, name, email, status, ...person }: ReturnType<typeof toListed>, then: number): Html {
  const { reviewNeeded, unrecognisedEvents, lastEventAt } = person;
  return html`<tr>
    <th scope="row">
      <a href="${personPagePath(entityId)}"><bdi>${name === null || name === "" ? "No name yet" : name}</bdi></a>
      <small><code><bdi>${entityId}</bdi></code></small>
    </th>
    <td data-label="E-mail"><bdi>${email ?? "–"}</bdi></td>
    <td data-label="Status">
      <span class="chip ${status === "approved" ? "ok" : ""}">${statusLabel(status)}</span>
      ${reviewNeeded ? html`<span class="chip warn">review needed</span>` : ""}
      ${unrecognisedEvents > 0 ? html`<span class="chip warn">${unrecognisedEvents} unknown</span>` : ""}
    </td>
    <td class="num" data-label="Last event">${lastEventAt === null ? "–" : age(lastEventAt, then)}</td>
  </tr>`;
}
