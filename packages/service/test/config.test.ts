import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { type Result, readConfig, readServiceConfig, variables } from "../src/index.ts";

const schema = z.object({
  PORT: variables.port(8080),
  LOG_LEVEL: variables.LOG_LEVEL,
  DATABASE_URL: variables.DATABASE_URL,
  REDIS_URL: variables.redisUrl((url) => (url.startsWith("redis") ? undefined : "must begin with redis://")),
  ICOMPLY_WEBHOOK_SECRETS: variables.ICOMPLY_WEBHOOK_SECRETS,
  DOSSIER_API_TOKEN: variables.DOSSIER_API_TOKEN,
  MAX_BODY_BYTES: variables.MAX_BODY_BYTES,
  WORKER_CONCURRENCY: variables.WORKER_CONCURRENCY,
  MAX_ATTEMPTS: variables.MAX_ATTEMPTS,
});
const SECRET = "whs_aaaaaaaaaaaa";
const OTHER_SECRET = "whs_bbbbbbbbbbbb";
const required = { DATABASE_URL: "postgres://u:p@db/x", ICOMPLY_WEBHOOK_SECRETS: SECRET };

const folder = mkdtempSync(join(tmpdir(), "dossier-config-"));
afterAll(() => rmSync(folder, { recursive: true }));

function mounted(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

function errorOf(result: Result<unknown>): string {
  if (result.ok) throw new Error("the configuration was accepted");
  return result.error;
}

describe("readConfig", () => {
  test("returns the defaults of unset variables", () => {
    expect(readConfig(schema, required)).toEqual({
      ok: true,
      value: {
        PORT: 8080,
        LOG_LEVEL: "info",
        DATABASE_URL: "postgres://u:p@db/x",
        ICOMPLY_WEBHOOK_SECRETS: [SECRET],
        MAX_BODY_BYTES: 1_048_576,
        WORKER_CONCURRENCY: 64,
        MAX_ATTEMPTS: 8,
      },
    });
  });

  test("treats an empty string as unset", () => {
    const empty = { PORT: "", REDIS_URL: "", DOSSIER_API_TOKEN: "", PORT_FILE: "" };
    expect(readConfig(schema, { ...required, ...empty })).toEqual(readConfig(schema, required));
    expect(errorOf(readConfig(schema, { ...required, DATABASE_URL: "" }))).toContain(
      "DATABASE_URL is not set",
    );
  });

  test("names every missing or wrong variable in one message, with its meaning", () => {
    const error = errorOf(
      readConfig(schema, {
        PORT: "http",
        LOG_LEVEL: "loud",
        REDIS_URL: "http://cache",
        ICOMPLY_WEBHOOK_SECRETS: `${SECRET},,${OTHER_SECRET}`,
        MAX_BODY_BYTES: "1e6",
        WORKER_CONCURRENCY: "0",
        MAX_ATTEMPTS_FILE: join(folder, "absent"),
      }),
    );
    expect(error).toContain(`PORT must be a whole number from 0 to 65535; it is "http".`);
    expect(error).toContain(`LOG_LEVEL must be one of fatal, error`);
    expect(error).toContain(`DATABASE_URL is not set, and neither is DATABASE_URL_FILE.`);
    expect(error).toContain(`REDIS_URL must begin with redis://.`);
    expect(error).toContain(`ICOMPLY_WEBHOOK_SECRETS must be one or more secrets`);
    expect(error).toContain(`MAX_BODY_BYTES must be a whole number from 1 to 67108864 bytes`);
    expect(error).toContain(`WORKER_CONCURRENCY must be a whole number from 1 to 1000 jobs`);
    expect(error).toMatch(/MAX_ATTEMPTS_FILE names a file that cannot be read: ENOENT.*absent/);
    expect(error).toContain(variables.DATABASE_URL.description);
  });

  test("never repeats a value that may be secret", () => {
    const error = errorOf(
      readConfig(schema, {
        DATABASE_URL: "mysql://u:hush-database@db",
        REDIS_URL: "hush-redis",
        ICOMPLY_WEBHOOK_SECRETS: "hush-webhook,",
        PORT_FILE: mounted("wrong-file", "hush-file"),
      }),
    );
    expect(error).toMatch(/PORT, read from PORT_FILE, must be/);
    expect(error).not.toContain("hush");
  });

  test.each([
    ["a line end", "%s\n"],
    ["a line end of Windows", "%s\r\n"],
    ["several line ends", "\n%s\n\n"],
    ["blanks", " \t%s "],
    ["a byte order mark", "\uFEFF%s"],
    ["double quotes", '"%s"'],
    ["single quotes", "'%s'"],
    ["all of them", "\uFEFF \"' %s '\" \r\n"],
  ])("trims %s around any variable, in the environment and in a file", (name, around) => {
    const values = {
      PORT: "1234",
      LOG_LEVEL: "warn",
      DATABASE_URL: "postgres://u:p@db/x",
      REDIS_URL: "redis://cache",
      ICOMPLY_WEBHOOK_SECRETS: `${SECRET},${OTHER_SECRET}`,
      DOSSIER_API_TOKEN: "token",
    };
    const entries = Object.entries(values).map(([key, value]) => [key, around.replace("%s", value)] as const);
    const expected = readConfig(schema, values);
    expect(expected.ok).toBe(true);
    expect(readConfig(schema, Object.fromEntries(entries))).toEqual(expected);
    const files = entries.map(([key, value]) => [`${key}_FILE`, mounted(`${name} ${key}`, value)]);
    expect(readConfig(schema, Object.fromEntries(files))).toEqual(expected);
  });

  test("trims each secret of a list, and changes nothing within a value", () => {
    const list = ` "${SECRET}" , '${OTHER_SECRET}',"it's a ""secret"`;
    expect(readConfig(schema, { ...required, ICOMPLY_WEBHOOK_SECRETS: list })).toMatchObject({
      value: { ICOMPLY_WEBHOOK_SECRETS: [SECRET, OTHER_SECRET, `"it's a ""secret"`] },
    });
  });

  test("rejects an empty file, and a variable that is given in both ways", () => {
    const error = errorOf(
      readConfig(schema, {
        ...required,
        DATABASE_URL_FILE: mounted("url", "postgres://db"),
        DOSSIER_API_TOKEN_FILE: mounted("empty", ' "" \n'),
      }),
    );
    expect(error).toContain("DATABASE_URL and DATABASE_URL_FILE are both set; unset one");
    expect(error).toMatch(/DOSSIER_API_TOKEN_FILE names an empty file, .*empty/);
  });
});

describe("readServiceConfig", () => {
  const current = (env: Readonly<Record<string, string>>) => {
    const read = readServiceConfig(z.object({ DATABASE_URL: variables.DATABASE_URL }), env);
    if (!read.ok) throw new Error(read.error);
    return read.value.currentDatabaseUrl;
  };

  test("returns the database's URL of now, if it is in a file", () => {
    const read = current({ DATABASE_URL_FILE: mounted("database", "postgres://a:1@db/x\n") });
    expect(read?.()).toBe("postgres://a:1@db/x");
    mounted("database", "postgres://b:2@db/x\n");
    expect(read?.()).toBe("postgres://b:2@db/x");
    expect(current({ DATABASE_URL: "postgres://a:1@db/x" })).toBeUndefined();
  });

  test("says what is wrong while the file is missing or half written, and repeats nothing of it", () => {
    const file = mounted("replaced", "postgres://a:1@db/x");
    const read = current({ DATABASE_URL_FILE: file });
    mounted("replaced", "");
    expect(read).toThrow("DATABASE_URL_FILE names an empty file");
    mounted("replaced", "postg");
    expect(read).toThrow(/DATABASE_URL, read from DATABASE_URL_FILE, must be a URL(?!.*postg\b)/);
    rmSync(file);
    expect(read).toThrow("DATABASE_URL_FILE names a file that cannot be read");
    mounted("replaced", "postgres://b:2@db/x");
    expect(read?.()).toBe("postgres://b:2@db/x");
  });
});

describe("the variables", () => {
  test("each has a description", () => {
    const undescribed = Object.entries(schema.shape).filter(([, field]) => !field.description);
    expect(undescribed).toEqual([]);
  });

  test("an integer is accepted exactly if it is decimal digits within its range", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.integer().map(String), fc.double().map(String)), (text) => {
        const within = /^\d+$/.test(text) && Number(text) >= 1 && Number(text) <= 100;
        const parsed = variables.MAX_ATTEMPTS.safeParse(text);
        expect(parsed.data).toBe(within ? Number(text) : undefined);
      }),
    );
  });

  test("STUCK_AFTER_HOURS has hours for every step once", () => {
    const { STUCK_AFTER_HOURS } = variables;
    const all = "pending=1, id-upload-started = 8760,id-uploaded=24,documents-uploaded=72";
    expect(STUCK_AFTER_HOURS.parse(all)).toEqual({
      pending: 1,
      "id-upload-started": 8_760,
      "id-uploaded": 24,
      "documents-uploaded": 72,
    });
    expect(new Set(Object.values(STUCK_AFTER_HOURS.parse(undefined)))).toEqual(new Set([72]));
    const wrong = ["72", "pending=72", `${all},pending=2`, `${all},approved=2`, all.replace("=1,", "=0,")];
    for (const text of [...wrong, all.replace("=24", "=8761"), all.replace("=24", "=-1")])
      expect([text, STUCK_AFTER_HOURS.safeParse(text).success]).toEqual([text, false]);
  });

  test.each(["test", "1", "Q,K", `${SECRET},`, `${SECRET},whs_bbbbbbbbbbb`])(
    "%s is refused as ICOMPLY_WEBHOOK_SECRETS, as one of them is too short",
    (secrets) => {
      const error = errorOf(readConfig(schema, { ...required, ICOMPLY_WEBHOOK_SECRETS: secrets }));
      expect(error).toContain("ICOMPLY_WEBHOOK_SECRETS must be one or more secrets");
      expect(error).toContain("at least 16 characters");
    },
  );

  test.each(["two words", "two\nlines", "tökén", "\u0007bell", "nul\0"])(
    "%j is refused as DOSSIER_API_TOKEN, as no header can carry it",
    (token) => {
      const error = errorOf(readConfig(schema, { ...required, DOSSIER_API_TOKEN: token }));
      expect(error).toContain("DOSSIER_API_TOKEN must be ASCII characters without blanks");
    },
  );

  test.each(["postgres://db", "postgresql://u:p@db:5432/x?sslmode=require", "postgres:///x?host=/run"])(
    "%s is a DATABASE_URL",
    (url) => {
      expect(variables.DATABASE_URL.safeParse(url).success).toBe(true);
    },
  );

  test.each(["ﬁne", "no\u00a0break", "soft\u00adhyphen", "ｆｕｌｌ", "decomposed u\u0308"])(
    "a DATABASE_URL with the password %j, which SASLprep changes, is refused without repeating it",
    (password) => {
      const url = `postgres://u:${encodeURIComponent(password)}@db/x`;
      const error = errorOf(readConfig(schema, { ...required, DATABASE_URL: url }));
      expect(error).toContain("DATABASE_URL must have a password that Postgres takes as it is (SASLprep)");
      expect(error).not.toContain(encodeURIComponent(password));
    },
  );

  test.each(["plain", "grüß dich 中文", "100%"])("%j is a password of a DATABASE_URL", (password) => {
    const url = `postgres://u:${encodeURIComponent(password)}@db/x`;
    expect(variables.DATABASE_URL.safeParse(url).success).toBe(true);
  });
});
