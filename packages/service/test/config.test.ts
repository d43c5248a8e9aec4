import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { type Result, readConfig, variables } from "../src/index.ts";

const schema = z.object({
  PORT: variables.port(8080),
  LOG_LEVEL: variables.LOG_LEVEL,
  DATABASE_URL: variables.DATABASE_URL,
  REDIS_URL: variables.REDIS_URL,
  ICOMPLY_WEBHOOK_SECRETS: variables.ICOMPLY_WEBHOOK_SECRETS,
  DOSSIER_API_TOKEN: variables.DOSSIER_API_TOKEN,
  MAX_BODY_BYTES: variables.MAX_BODY_BYTES,
  WORKER_CONCURRENCY: variables.WORKER_CONCURRENCY,
  MAX_ATTEMPTS: variables.MAX_ATTEMPTS,
});
const needed = { DATABASE_URL: "postgres://u:p@db/x", ICOMPLY_WEBHOOK_SECRETS: "whs_a" };

const folder = mkdtempSync(join(tmpdir(), "dossier-config-"));
afterAll(() => rmSync(folder, { recursive: true }));

function mounted(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function messageOf(result: Result<unknown>): string {
  if (result.ok) throw new Error("the configuration was taken");
  return result.error;
}

describe("readConfig", () => {
  test("gives the defaults for what is not set", () => {
    expect(readConfig(schema, needed)).toEqual({
      ok: true,
      value: {
        PORT: 8080,
        LOG_LEVEL: "info",
        DATABASE_URL: "postgres://u:p@db/x",
        ICOMPLY_WEBHOOK_SECRETS: ["whs_a"],
        MAX_BODY_BYTES: 1_048_576,
        WORKER_CONCURRENCY: 64,
        MAX_ATTEMPTS: 8,
      },
    });
  });

  test("takes an empty string for not set", () => {
    const empty = { PORT: "", REDIS_URL: "", DOSSIER_API_TOKEN: "", PORT_FILE: "" };
    expect(readConfig(schema, { ...needed, ...empty })).toEqual(readConfig(schema, needed));
    expect(messageOf(readConfig(schema, { ...needed, DATABASE_URL: "" }))).toContain(
      "DATABASE_URL is not set",
    );
  });

  test("names all that is missing or wrong in one message, with what each means", () => {
    const message = messageOf(
      readConfig(schema, {
        PORT: "http",
        LOG_LEVEL: "loud",
        REDIS_URL: "http://cache",
        ICOMPLY_WEBHOOK_SECRETS: "whs_a,,whs_b",
        MAX_BODY_BYTES: "1e6",
        WORKER_CONCURRENCY: "0",
        MAX_ATTEMPTS_FILE: join(folder, "absent"),
      }),
    );
    expect(message).toContain(`PORT must be a whole number from 0 to 65535; it is "http".`);
    expect(message).toContain(`LOG_LEVEL must be one of fatal, error`);
    expect(message).toContain(`DATABASE_URL is not set, and neither is DATABASE_URL_FILE.`);
    expect(message).toContain(`REDIS_URL must be a URL that begins with redis:// or rediss://.`);
    expect(message).toContain(`ICOMPLY_WEBHOOK_SECRETS must be one or more secrets`);
    expect(message).toContain(`MAX_BODY_BYTES must be a whole number from 1 to 67108864 bytes`);
    expect(message).toContain(`WORKER_CONCURRENCY must be a whole number from 1 to 1000 jobs`);
    expect(message).toMatch(/MAX_ATTEMPTS_FILE names a file that cannot be read: ENOENT.*absent/);
    expect(message).toContain(variables.DATABASE_URL.description);
  });

  test("never repeats a value that may be secret", () => {
    const message = messageOf(
      readConfig(schema, {
        DATABASE_URL: "mysql://u:hush-database@db",
        REDIS_URL: "hush-redis",
        ICOMPLY_WEBHOOK_SECRETS: "hush-webhook,",
        PORT_FILE: mounted("wrong-file", "hush-file"),
      }),
    );
    expect(message).toMatch(/PORT, read from PORT_FILE, must be/);
    expect(message).not.toContain("hush");
  });

  test("reads a mounted secret without the newline at its end", () => {
    const result = readConfig(schema, {
      ...needed,
      ICOMPLY_WEBHOOK_SECRETS: "",
      ICOMPLY_WEBHOOK_SECRETS_FILE: mounted("secrets", " whs_a , whs_b\r\n"),
      DOSSIER_API_TOKEN_FILE: mounted("token", "a token \n"),
    });
    expect(result).toMatchObject({
      ok: true,
      value: { ICOMPLY_WEBHOOK_SECRETS: ["whs_a", "whs_b"], DOSSIER_API_TOKEN: "a token " },
    });
  });

  test("refuses a variable given both ways, and an empty file", () => {
    const message = messageOf(
      readConfig(schema, {
        ...needed,
        DATABASE_URL_FILE: mounted("url", "postgres://db"),
        DOSSIER_API_TOKEN_FILE: mounted("empty", "\n"),
      }),
    );
    expect(message).toContain("DATABASE_URL and DATABASE_URL_FILE are both set; unset one");
    expect(message).toMatch(/DOSSIER_API_TOKEN_FILE names an empty file, .*empty/);
  });
});

describe("the variables", () => {
  test("each says what it means", () => {
    const silent = Object.entries(schema.shape).filter(([, field]) => !field.description);
    expect(silent).toEqual([]);
  });

  test("an integer is taken exactly when it is decimal digits within its range", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.integer().map(String), fc.double().map(String)), (text) => {
        const within = /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 100;
        const taken = variables.MAX_ATTEMPTS.safeParse(text);
        expect(taken.data).toBe(within ? Number(text) : undefined);
      }),
    );
  });

  test.each(["postgres://db", "postgresql://u:p@db:5432/x?sslmode=require", "postgres:///x?host=/run"])(
    "%s is a DATABASE_URL",
    (url) => {
      expect(variables.DATABASE_URL.safeParse(url).success).toBe(true);
    },
  );

  test.each(["redis://cache:6379/0", "rediss://:p@cache"])("%s is a REDIS_URL", (url) => {
    expect(variables.REDIS_URL.safeParse(url).success).toBe(true);
  });
});
