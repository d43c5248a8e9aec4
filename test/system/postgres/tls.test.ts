/** TLS to Postgres with an authority of one's own, verified in full: who issued the certificate, and for which host. */
import { execFile } from "node:child_process";
import { chmod, chown, copyFile, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { migrateQueue, openQueue } from "@dossier/queue";
import { checkServiceLogin, migrate, openPool } from "@dossier/store";
import { openScope, runNode, startNode, startPostgres, waitFor, type LocalServer } from "@dossier/testing";
import { afterAll, beforeAll, expect, test, type TestContext } from "vitest";

const INGEST = "packages/ingest/src/main.ts";

const scope = openScope();
let server: LocalServer;
let folder: string;
/** As the owner and as ingest, by a name that the certificate has, and with the authority that issued it. */
let urls: { readonly owner: string; readonly ingest: string };

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "dossier-tls-"));
  scope.onTestFinished(() => rm(folder, { recursive: true }));
  await chmod(folder, 0o755);
  await createAuthority("ours");
  await createAuthority("theirs");
  await createServerCertificate("ours", "localhost");
  server = await startPostgres();
  scope.onTestFinished(() => server.stop());
  await offerTls();
  urls = { owner: tlsUrl(), ingest: tlsUrl({ username: "ingest", password: "s3cret" }) };
  await migrate(urls.owner, { ingest: urls.ingest });
});
afterAll(scope.close);

function openssl(...args: readonly string[]): Promise<unknown> {
  return promisify(execFile)("openssl", args, { cwd: folder });
}

const NEW_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes".split(" ");

async function createAuthority(name: string): Promise<void> {
  const files = ["-keyout", `${name}.key`, "-out", `${name}.pem`];
  await openssl("req", "-x509", ...NEW_KEY, "-days", "1", "-subj", `/CN=${name}`, ...files);
}

async function createServerCertificate(authority: string, host: string): Promise<void> {
  await openssl("req", ...NEW_KEY, "-subj", "/CN=postgres", "-keyout", "server.key", "-out", "server.csr");
  await writeFile(join(folder, "names"), `subjectAltName=DNS:${host}\n`);
  const issuer = ["-CA", `${authority}.pem`, "-CAkey", `${authority}.key`, "-CAcreateserial"];
  const files = ["-in", "server.csr", "-extfile", "names", "-out", "server.pem"];
  await openssl("x509", "-req", "-days", "1", ...issuer, ...files);
}

/** Only connections with TLS are let in then. */
async function offerTls(): Promise<void> {
  // Postgres reads a key that belongs to itself alone.
  const { uid, gid } = await stat(`/proc/${server.pid}`);
  await chown(join(folder, "server.key"), uid, gid);
  const pool = openPool(server.url, { name: "test", size: 1 });
  await pool.query(`alter system set ssl_cert_file = '${join(folder, "server.pem")}'`);
  await pool.query(`alter system set ssl_key_file = '${join(folder, "server.key")}'`);
  await pool.query("alter system set ssl = on");
  await pool.query("select pg_reload_conf()");
  await pool.end();
}

interface UrlParts {
  readonly host?: string;
  readonly authority?: string;
  readonly username?: string;
  readonly password?: string;
}

function tlsUrl({ host = "localhost", authority = "ours", ...login }: UrlParts = {}): string {
  const url = Object.assign(new URL(server.url), { hostname: host, ...login });
  url.search = `?sslmode=verify-full&sslrootcert=${join(folder, `${authority}.pem`)}`;
  return url.href;
}

function open(context: TestContext, url: string) {
  const pool = openPool(url, { name: "test", size: 2 });
  context.onTestFinished(() => pool.end());
  return pool;
}

test("the record and the queue work over TLS that is verified in full", async (context) => {
  const pool = open(context, urls.ingest);
  expect(await checkServiceLogin(pool, "ingest")).toMatchObject({ ok: true });
  const { rows } = await pool.query("select ssl from pg_stat_ssl where pid = pg_backend_pid()");
  expect(rows).toEqual([{ ssl: true }]);
  await migrateQueue(urls.owner);
  const queue = openQueue(
    { databaseUrl: urls.owner },
    { name: "test", timeoutMs: 20_000, onError: () => undefined },
  );
  context.onTestFinished(() => queue.close());
  expect(await queue.counts()).toMatchObject({ waiting: 0 });
});

test.for([
  ["of another authority", { authority: "theirs" }, /certificate is not trusted .* sslrootcert must name/],
  [
    "for another host",
    { host: "127.0.0.1" },
    /certificate is for another host .* the URL must name the host/,
  ],
  [
    "of an authority that is no file",
    { authority: "none" },
    /a file that it names cannot be read .*none\.pem/,
  ],
] as const)(
  "a certificate %s is refused at the start, with what to do",
  async ([, parts, reason], context) => {
    const pool = open(context, tlsUrl({ ...parts, username: "ingest", password: "s3cret" }));
    const checked = await checkServiceLogin(pool, "ingest");
    expect(checked).toEqual({ ok: false, error: expect.stringMatching(reason) as string });
    expect(JSON.stringify(checked)).not.toContain("s3cret");
  },
);

test("a service whose Postgres has an untrusted certificate exits with 1, and says why in one message", async () => {
  const DATABASE_URL = tlsUrl({ authority: "theirs", username: "ingest", password: "s3cret" });
  const env = { DATABASE_URL, PORT: "0", OPS_PORT: "0", ICOMPLY_WEBHOOK_SECRETS: "whs_0123456789abcdef" };
  const { code, stderr } = await runNode(INGEST, { env });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^DATABASE_URL: the server's certificate is not trusted .*\n$/);
});

test("a service whose authority's file vanishes logs it, and connects as before", async (context) => {
  await copyFile(join(folder, "ours.pem"), join(folder, "mounted.pem"));
  const env = {
    DATABASE_URL: tlsUrl({ authority: "mounted", username: "ingest", password: "s3cret" }),
    REDIS_URL: "redis://127.0.0.1:1",
    PORT: "0",
    OPS_PORT: "0",
    ICOMPLY_WEBHOOK_SECRETS: "whs_0123456789abcdef",
  };
  const { logged } = startNode(context, INGEST, { env });
  const { opsPort } = await logged("listening");
  await rm(join(folder, "mounted.pem"));
  const owner = open(context, urls.owner);
  await owner.query("select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = 'ingest'");
  const read = async () => {
    // Many at once: more than the first connects anew, in the pool's own time.
    await Promise.all(Array.from({ length: 20 }, () => fetch(`http://127.0.0.1:${opsPort}/readyz`)));
    const { rows } = await owner.query("select 1 from pg_stat_activity where usename = 'ingest'");
    return rows.length;
  };
  await waitFor(read, (connections) => expect(connections).toBeGreaterThan(0));
  expect(await logged("login-unreadable")).toMatchObject({ level: "error", err: { code: "ENOENT" } });
});
