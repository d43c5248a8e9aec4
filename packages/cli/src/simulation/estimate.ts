import { scenario, type ScenarioOptions } from "@dossier/simulator";

const SAMPLE = 200;

/** About how many sends the journeys have, judged by the first persons: counting all would make them all twice. */
export function estimateSends(options: ScenarioOptions): number {
  const sample = Math.min(SAMPLE, options.persons);
  let sends = 0;
  for (const _ of scenario({ ...options, persons: sample }).webhooks) sends++;
  return Math.round((sends / sample) * options.persons);
}
