import { mkdtempDisposable, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { keepLogin } from "../../src/index.ts";

test("a certificate is read anew for each login, and the last one is kept while its file is missing", async (context) => {
  const folder = await mkdtempDisposable(join(tmpdir(), "dossier-login-"));
  context.onTestFinished(() => folder.remove());
  const file = join(folder.path, "authority.pem");
  const seen: string[] = [];
  const read = keepLogin(() => `postgres://a:1@db/x?sslmode=verify-full&sslrootcert=${file}`, {
    recordFailure: (error) => seen.push((error as NodeJS.ErrnoException).code ?? ""),
    recordSuccess: () => seen.push("read"),
  });
  expect(read).toThrow("ENOENT");
  await writeFile(file, "first");
  expect(read()).toMatchObject({ user: "a", password: "1", ssl: { ca: "first" } });
  await writeFile(file, "second");
  expect(read()).toMatchObject({ ssl: { ca: "second" } });
  await rm(file);
  expect(read()).toMatchObject({ user: "a", ssl: { ca: "second" } });
  expect(seen).toEqual(["read", "read", "ENOENT"]);
});
