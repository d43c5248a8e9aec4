import { randomBytes } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { freePort } from "@dossier/embedded";
import { z } from "zod";

const schema = z.object({
  webhookSecret: z.string(),
  apiToken: z.string(),
  /** Of the embedded Postgres: of its superuser, and of the services' and the readers' logins. */
  passwords: z.object({
    owner: z.string(),
    ingest: z.string(),
    worker: z.string(),
    console: z.string(),
    reader: z.string(),
  }),
  /** Where its servers listen, on this machine alone. */
  ports: z.object({ ingest: z.int(), console: z.int(), ops: z.int(), postgres: z.int() }),
});

/** What `up` generates where nothing is configured. For trials only. */
export type Trial = z.output<typeof schema>;

/**
 * Returns the data folder's trial; creates it, readable by this user alone, if there is none. The ports that are chosen
 * are kept there for the other commands; one that is not chosen is any free one, and the same each time.
 */
export async function openTrial(
  dir: string,
  chosen: { readonly ingest: number; readonly console: number; readonly ops: number | undefined },
): Promise<Trial> {
  const existing = await findTrial(dir);
  const ports = {
    ...chosen,
    ops: chosen.ops ?? (await freePort(existing?.ports.ops)),
    postgres: await freePort(existing?.ports.postgres),
  };
  const trial: Trial = { ...(existing ?? generateSecrets()), ports };
  const file = join(dir, "trial.json");
  await writeFile(`${file}.new`, JSON.stringify(trial, undefined, 2), { mode: 0o600 });
  await rename(`${file}.new`, file);
  return trial;
}

/** Returns the URL of the trial's embedded Postgres, with one of its logins. */
export function trialDatabaseUrl({ ports, passwords }: Trial, login: keyof Trial["passwords"]): string {
  const user = login === "owner" ? "postgres" : login;
  return `postgres://${user}:${passwords[login]}@127.0.0.1:${ports.postgres}/postgres`;
}

function generateSecrets(): Omit<Trial, "ports"> {
  const randomHex = () => randomBytes(16).toString("hex");
  return {
    webhookSecret: `whs_${randomHex()}`,
    apiToken: `trial_${randomHex()}`,
    passwords: {
      owner: randomHex(),
      ingest: randomHex(),
      worker: randomHex(),
      console: randomHex(),
      reader: randomHex(),
    },
  };
}

/** Returns the data folder's trial, or `undefined` if `up` never ran in it. */
export async function findTrial(dir: string): Promise<Trial | undefined> {
  const file = join(dir, "trial.json");
  try {
    return schema.parse(JSON.parse(await readFile(file, "utf8")));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new Error(`cannot read ${file}`, { cause: error });
  }
}
