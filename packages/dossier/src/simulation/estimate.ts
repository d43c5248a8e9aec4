import { journeys, type JourneyOptions } from "@dossier/testing/journeys";

const SAMPLE = 200;

/** About how many sends the journeys have, judged by the first persons: counting all would make them all twice. */
export function estimateSends(options: JourneyOptions): number {
  const sample = Math.min(SAMPLE, options.persons);
  let sends = 0;
  for (const _ of journeys({ ...options, persons: sample }).sends) sends++;
  return Math.round((sends / sample) * options.persons);
}
