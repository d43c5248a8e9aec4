import type { Person } from "@dossier/events";
import {
  findLastVerification,
  findRevealEnd,
  listUnsettledDeliveries,
  readTimeline,
  type Pool,
  type Timeline,
} from "@dossier/store";
import type { Context } from "hono";
import { html } from "hono/html";
import { personPath, pointInTime } from "../../api/parameters.ts";
import { hasRole } from "../../auth.ts";
import { maskPerson } from "../../masking/mask-json.ts";
import { age, exactTime, pageTime, statusLabel } from "../format.ts";
import { message } from "../message.ts";
import { pathOf } from "../own-path.ts";
import { page, type Html, type PageEnv } from "../page.ts";
import { readFilter } from "../read-filter.ts";
import { evidenceCard } from "./evidence.ts";
import { timelinePicture } from "./picture.ts";
import { revealForm } from "./reveal.ts";
import { stateCard } from "./state.ts";
import { timelineTable } from "./timeline.ts";
import { timesOf, TRAVEL_FIELDS, travelForm, type GivenTimes } from "./travel.ts";
import { unlogged } from "./unlogged.ts";

/** Most persons have fewer events; of others, those around the point in time are shown. */
const MAX_ENTRIES = 100;
const MAX_UNLOGGED = 20;

/** Returns the handler of a person's page: the state and the timeline at the point in time that the URL says. */
export function personPage(pool: Pool) {
  return async (c: Context<PageEnv>): Promise<Response> => {
    const id = personPath.safeParse(c.req.param());
    if (!id.success) return notFound(c);
    const { entityId } = id.data;
    const read = readFilter(c, pointInTime, {
      title: "Person",
      fields: TRAVEL_FIELDS,
      form: (given, errors) =>
        html`<section class="card">${travelForm([], given as GivenTimes, errors)}</section>`,
    });
    if (!read.ok) return read.refusal;
    const given = read.given as GivenTimes;
    const past = timesOf(given);
    const unsettled = { limit: MAX_UNLOGGED, receivedBy: read.value.knownAt };
    const [timeline, until, last, { deliveries, isMore }] = await Promise.all([
      readTimeline(pool, entityId, read.value, MAX_ENTRIES),
      findRevealEnd(pool, c.get("sessionId"), entityId),
      findLastVerification(pool, entityId),
      listUnsettledDeliveries(pool, entityId, unsettled),
    ]);
    if (timeline === undefined && deliveries.length === 0 && past === "") return notFound(c);
    const revealed = until !== undefined;
    const person = timeline?.person && (revealed ? timeline.person : maskPerson(timeline.person));
    const mayAct = hasRole(c.get("caller"), "operator");
    const now = Date.now();
    return page(c, {
      title: "Person",
      assets: ["htmx"],
      body: html`${head({ entityId, timeline, person, until, mayAct, path: pathOf(c), agesTo: pageTime(given.asOf ?? given.knownAt, now) })}
        ${pastNotice(past)} ${unlogged({ entityId, deliveries, isMore, agesTo: pageTime(given.knownAt, now) })}
        ${timeline === undefined ? "" : timePanel(timeline, given)}
        <div class="cols">
          <div class="stack">
            ${
              timeline === undefined
                ? html`<p class="card"><b>No event yet.</b> The log has nothing of this person.</p>`
                : timelineTable(timeline, { revealed, linkTo: linkTo(given) })
            }
          </div>
          <div class="stack">
            ${timeline === undefined ? "" : stateCard(person, given)}
            ${evidenceCard({ entityId, last, mayAct, revealed, now })}
          </div>
        </div>`,
    });
  };
}

function notFound(c: Context<PageEnv>): Promise<Response> {
  return message(c, 404, "No such person", "Neither the log nor any delivery names this person.");
}

function linkTo({ knownAt }: GivenTimes) {
  return (asOf: string) => `?${new URLSearchParams({ asOf, ...(knownAt && { knownAt }) }).toString()}`;
}

/** Nobody shall take the past for now. */
function pastNotice(past: string): Html | string {
  if (past === "") return "";
  return html`<p class="notice past"><b>This is the past</b>, ${past}. <a href="?">Back to now</a></p>`;
}

/** For how long the status is what it is, if the event that made it so is among those shown. */
function since({ person, entries }: Timeline, then: number): Html | string {
  const made = entries.findLast(
    ({ when, changes }) => when === "counts" && changes.some(({ path }) => path === "status"),
  );
  if (person === undefined || made === undefined) return "";
  return html` · ${statusLabel(person.status)} since ${exactTime(made.happenedAt)}, ${age(made.happenedAt, then)} ago`;
}

interface Head {
  readonly entityId: string;
  readonly timeline: Timeline | undefined;
  readonly person: Person | undefined;
  readonly until: string | undefined;
  readonly mayAct: boolean;
  readonly path: string;
  /** What ages count to. */
  readonly agesTo: number;
}

function head({ entityId, timeline, person, until, mayAct, path, agesTo }: Head): Html {
  return html`<div class="heading row">
    <div>
      <p class="sub"><a href="/natural-persons">People</a> /</p>
      <h1>${title(person)}</h1>
      <p class="sub"><code><bdi>${entityId}</bdi></code>${timeline && since(timeline, agesTo)}</p>
    </div>
    <div class="push">
      ${
        until === undefined
          ? mayAct && revealForm(entityId, path)
          : html`<p class="sub"><span class="chip warn">revealed to you</span> until ${exactTime(until)}</p>`
      }
    </div>
  </div>`;
}

function title(person: Person | undefined): Html {
  if (person === undefined) return html`Nothing known`;
  const { name, status, reviewNeeded } = person;
  return html`<bdi class="cut">${name === null || name === "" ? "No name yet" : name}</bdi>
    <span class="chip ${status === "approved" ? "ok" : ""}">${statusLabel(status)}</span>
    ${reviewNeeded ? html`<span class="chip warn">review needed</span>` : ""}`;
}

function timePanel(timeline: Timeline, given: GivenTimes): Html {
  const { entries, earlier, later, person } = timeline;
  return html`<section class="card panel" aria-labelledby="time">
    <h2 id="time">
      Time travel
      <span aria-live="polite"><span class="chip">${person?.version ?? 0} of ${earlier + entries.length + later} events</span></span>
    </h2>
    ${timelinePicture(entries, { asOf: given.asOf, knownAt: given.knownAt })}
    ${travelForm(entries, given)}
  </section>`;
}
