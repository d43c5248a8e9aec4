import { randomBytes } from "node:crypto";
import { readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";

const schema = z.object({
  webhookSecret: z.string(),
  apiToken: z.string(),
  /** Of the embedded Postgres: its superuser's, and that of the services' login. */
  ownerPassword: z.string(),
  servicePassword: z.string(),
});

/** What `up` makes up where nobody has given it: for trial only. */
export type Trial = z.output<typeof schema>;

/** The trial of a data folder; made, for this user's eyes only, where there is none yet. */
export async function openTrial(dir: string): Promise<Trial> {
  const known = await findTrial(dir);
  if (known !== undefined) return known;
  const hex = () => randomBytes(16).toString("hex");
  const trial: Trial = {
    webhookSecret: `whs_${hex()}`,
    apiToken: `trial_${hex()}`,
    ownerPassword: hex(),
    servicePassword: hex(),
  };
  const draft = `${fileIn(dir)}.new`;
  await writeFile(draft, JSON.stringify(trial, undefined, 2), { mode: 0o600 });
  await rename(draft, fileIn(dir));
  return trial;
}

/** The trial of a data folder, or `undefined` where `up` never ran in it. */
export async function findTrial(dir: string): Promise<Trial | undefined> {
  try {
    return schema.parse(JSON.parse(await readFile(fileIn(dir), "utf8")));
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw new Error(`${fileIn(dir)} cannot be read`, { cause: error });
  }
}

function fileIn(dir: string): string {
  return join(dir, "trial.json");
}
