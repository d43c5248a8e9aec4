import { html } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";
import type { Schema } from "./schemas.ts";

type Html = HtmlEscapedString | Promise<HtmlEscapedString>;

/** In a few words, what a value must be. */
export function typeOf(schema: Schema | boolean | undefined): Html {
  if (typeof schema !== "object") return html`anything`;
  const { $ref, anyOf, oneOf, enum: values, type, format, items, properties, additionalProperties } = schema;
  if ($ref !== undefined) {
    const name = $ref.split("/").at(-1);
    return html`<a href="#${name}">${name}</a>`;
  }
  const options = anyOf ?? oneOf;
  if (options !== undefined) return joined(options.map(typeOf));
  if (schema.const !== undefined) return html`${JSON.stringify(schema.const)}`;
  if (values !== undefined) return joined(values.map((value) => html`${JSON.stringify(value)}`));
  if (Array.isArray(items)) return html`list`;
  if (type === "array") return html`list of ${typeOf(items)}`;
  if (properties !== undefined)
    return html`{ ${Object.entries(properties).map(
      ([name, one], n) => html`${n > 0 ? ", " : ""}<i>${name}</i>: ${typeOf(one)}`,
    )} }`;
  if (typeof additionalProperties === "object" && Object.keys(additionalProperties).length > 0)
    return html`object of ${typeOf(additionalProperties)}`;
  return html`${[type].flat().join(" or ") || "anything"}${format === undefined ? "" : ` (${format})`}`;
}

function joined(options: readonly Html[]): Html {
  return html`${options.map((option, n) => html`${n > 0 ? " or " : ""}${option}`)}`;
}
