/** What CI plays. Short runs, chosen because every fault comes in each of them. */
export const CI = { seeds: [750, 797], minutes: 0.75, workers: 3, ingests: 2 };
