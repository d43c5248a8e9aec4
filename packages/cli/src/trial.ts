import { randomBytes } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

const schema = z.object({
  webhookSecret: z.string(),
  apiToken: z.string(),
  /** Passwords of the embedded Postgres: its superuser's, and the services'. */
  ownerPassword: z.string(),
  servicePassword: z.string(),
});

/** The secrets that `up` generates where none are configured. For trials only. */
export type Trial = z.output<typeof schema>;

/** Returns the data folder's trial; creates it, readable by this user alone, if there is none. */
export async function openTrial(dir: string): Promise<Trial> {
  const existing = await findTrial(dir);
  if (existing !== undefined) return existing;
  const randomHex = () => randomBytes(16).toString("hex");
  const trial: Trial = {
    webhookSecret: `whs_${randomHex()}`,
    apiToken: `trial_${randomHex()}`,
    ownerPassword: randomHex(),
    servicePassword: randomHex(),
  };
  const file = join(dir, "trial.json");
  await writeFile(`${file}.new`, JSON.stringify(trial, undefined, 2), { mode: 0o600 });
  await rename(`${file}.new`, file);
  return trial;
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
