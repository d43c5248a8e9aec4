/**
 * The results of statements of one transaction that were sent without waiting, in the order in which they were sent.
 * Where some fail, it throws what the first of them did, once all have ended: after it Postgres refuses the others,
 * and which refusal is heard first is chance.
 */
export async function together<const Sent extends readonly unknown[]>(
  sent: Sent,
): Promise<{ [Index in keyof Sent]: Awaited<Sent[Index]> }> {
  const ended = await Promise.allSettled(sent);
  const failed = ended.find((one) => one.status === "rejected");
  if (failed !== undefined) throw failed.reason;
  return Promise.all(sent) as Promise<{ [Index in keyof Sent]: Awaited<Sent[Index]> }>;
}
