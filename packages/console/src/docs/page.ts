import { html } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";
import type { OpenApi, OperationObject } from "./openapi.ts";
import type { Schema } from "./schemas.ts";
import { typeOf } from "./type-of.ts";

type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

/** The API's document as a page that needs neither scripts nor the internet. */
export function page({ info, paths, components }: OpenApi): Html {
  const operations = Object.entries(paths).flatMap(([path, own]) =>
    Object.entries(own).map(([method, one]) => ({ method, path, one })),
  );
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${info.title}: API</title>
        <link rel="stylesheet" href="/docs/page.css" />
      </head>
      <body>
        <nav>
          <a href="#top"><strong>${info.title}</strong></a>
          <h2>Operations</h2>
          <ul>
            ${operations.map(
              ({ method, path, one }) =>
                html`<li>
                  <a href="#${anchor(method, path)}">${badge(method)}${one.summary}</a>
                </li>`,
            )}
          </ul>
          <h2>Answers</h2>
          <ul>
            ${Object.keys(components.schemas).map((name) => html`<li><a href="#${name}">${name}</a></li>`)}
          </ul>
        </nav>
        <main id="top">
          <h1>${info.title} <small>API ${info.version}</small></h1>
          <p>${prose(info.description)}</p>
          <p>
            Requests bear <code>DOSSIER_API_TOKEN</code> as <code>Authorization: Bearer …</code>; a console
            without one serves its own machine alone. The same for programs:
            <a href="/openapi.json">openapi.json</a>.
          </p>
          ${operations.map(({ method, path, one }) => operation(method, path, one))}
          ${Object.entries(components.schemas).map(([name, schema]) => component(name, schema))}
        </main>
      </body>
    </html>`;
}

function operation(method: string, path: string, one: OperationObject): Html {
  const { summary, description = "", parameters, requestBody, responses } = one;
  const body = requestBody?.content["application/json"]?.schema;
  return html`<section id="${anchor(method, path)}">
    <h2>${summary}</h2>
    <p class="path">${badge(method)}${path}</p>
    <p>${prose(description)}</p>
    ${
      parameters.length > 0
        ? table(
            "Parameters",
            parameters.map(({ name, in: place, required, description, schema }) => [
              html`${name}`,
              html`${typeOf(schema)}<br /><small>${place}${required ? ", required" : ""}</small>`,
              html`${prose(description ?? "")}${byDefault(schema)}`,
            ]),
          )
        : ""
    }
    ${body === undefined ? "" : table("Body", fields(body))}
    ${table(
      "Answers",
      Object.entries(responses).map(([status, { description, content }]) => [
        html`${status}`,
        html`${Object.values(content).map(({ schema }, n) => html`${n > 0 ? ", " : ""}${typeOf(schema)}`)}`,
        prose(description),
      ]),
    )}
  </section>`;
}

function component(name: string, schema: Schema): Html {
  return html`<section id="${name}">
    <h2>${name}</h2>
    <p>${prose(schema.description ?? "")}</p>
    ${(schema.oneOf ?? [schema]).map((one) => table("", fields(one)))}
  </section>`;
}

type Row = readonly [Html, Html, Html];

function fields({ properties = {}, required = [] }: Schema): Row[] {
  return Object.entries(properties).flatMap(([name, schema]) =>
    typeof schema === "boolean"
      ? []
      : [
          [
            html`${name}`,
            html`${typeOf(schema)}${required.includes(name) ? "" : html`<br /><small>optional</small>`}`,
            html`${prose(schema.description ?? "")}${byDefault(schema)}`,
          ] as const,
        ],
  );
}

function table(title: string, rows: readonly Row[]): Html {
  return html`${title === "" ? "" : html`<h3>${title}</h3>`}
    <table>
      ${rows.map((cells) => html`<tr>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`)}
    </table>`;
}

function byDefault({ default: value }: Schema): Html {
  return value === undefined ? html`` : html` <small>Default: ${JSON.stringify(value)}.</small>`;
}

function badge(method: string): Html {
  return html`<span class="method ${method}">${method.toUpperCase()}</span>`;
}

function anchor(method: string, path: string): string {
  return `${method}${path.replaceAll(/[^\w-]+/g, "-")}`;
}

/** Plain text, in which backquotes mark code. */
function prose(text: string): Html {
  return html`${text.split("`").map((part, n) => (n % 2 === 1 ? html`<code>${part}</code>` : part))}`;
}
