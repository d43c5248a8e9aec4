import {
  registerSchema,
  unregisterSchema,
  validate,
  type Validator,
} from "@hyperjump/json-schema/openapi-3-1";
import { expect } from "vitest";
import type { Answer } from "./http.ts";

/** What tests read of the API's document. */
export interface OpenApiDocument {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, DocumentedOperation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

interface DocumentedOperation {
  readonly summary: string;
  readonly parameters?: readonly {
    readonly name: string;
    readonly in: string;
    readonly description?: string;
    readonly schema: object;
  }[];
  readonly requestBody?: object;
  readonly responses: Readonly<Record<string, { readonly content: Readonly<Record<string, object>> }>>;
}

const URI = "https://console.test/openapi.json";
const DIALECT = "https://spec.openapis.org/oas/3.1/dialect/base";

/** Compiled once, since all consoles of a process have the same document. */
const validators = new Map<string, Promise<Validator>>();

/** Returns a function that checks an answer of the API against its document. */
export function createContractCheck(document: OpenApiDocument) {
  if (validators.size === 0) {
    unregisterSchema(URI);
    registerSchema(document as never, URI, DIALECT);
  }
  const templates = Object.keys(document.paths).map((path) => ({
    path,
    pattern: new RegExp(`^${path.replaceAll(/\{\w+\}/g, "[^/]+")}$`),
  }));

  return async function checkContract(method: string, path: string, answer: Answer): Promise<void> {
    const pathname = path.split("?")[0] ?? "";
    const template = templates.find(({ pattern }) => pattern.test(pathname))?.path ?? "";
    const verb = method.toLowerCase();
    const operation = document.paths[template]?.[verb];
    if (operation === undefined) return;
    const type = answer.headers["content-type"] ?? "";
    if (answer.status === 304) {
      expect([operation.responses["304"], answer.text]).toEqual([expect.anything(), ""]);
      return;
    }
    const content = operation.responses[String(answer.status)]?.content[type];
    expect(content, `${method} ${template} documents ${answer.status} as ${type}`).toBeDefined();
    const at = pointer("paths", template, verb, "responses", answer.status, "content", type, "schema");
    const validator = validators.get(at) ?? validate(`${URI}#${at}`);
    validators.set(at, validator);
    const value = type.endsWith("json") ? answer.json : answer.text;
    const output = (await validator)(value, "BASIC");
    const errors = output.valid ? [] : (output.errors ?? []);
    expect(output.valid || errors.length > 0).toBe(true);
    const mismatches = errors.map((error) => `${error.instanceLocation} ${error.absoluteKeywordLocation}`);
    expect(mismatches, `${method} ${path} is answered as documented: ${answer.text}`).toEqual([]);
  };
}

function pointer(...parts: readonly (string | number)[]): string {
  return parts
    .map((part) => `/${encodeURIComponent(String(part).replaceAll("~", "~0").replaceAll("/", "~1"))}`)
    .join("");
}
