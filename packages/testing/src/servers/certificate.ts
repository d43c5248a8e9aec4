import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";

/** A certificate of 127.0.0.1 that signed itself: whoever trusts it as an authority trusts it as a server. */
export interface Certificate extends AsyncDisposable {
  readonly certFile: string;
  readonly keyFile: string;
  /** As PEM. */
  readonly authority: string;
}

/** Makes a certificate that is valid for a day. Rejects if there is no `openssl`. Its files are removed with it. */
export async function createCertificate(): Promise<Certificate> {
  await using undo = new AsyncDisposableStack();
  const dir = await mkdtemp(join(tmpdir(), "dossier-certificate-"));
  undo.defer(() => rm(dir, { recursive: true, force: true }));
  const certFile = join(dir, "cert.pem");
  const keyFile = join(dir, "key.pem");
  await promisify(execFile)("openssl", [
    ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1".split(" "),
    ..."-subj /CN=dossier-test -addext subjectAltName=IP:127.0.0.1".split(" "),
    ...["-keyout", keyFile, "-out", certFile],
  ]);
  const authority = await readFile(certFile, "utf8");
  const stops = undo.move();
  return { certFile, keyFile, authority, [Symbol.asyncDispose]: () => stops.disposeAsync() };
}

/** The words that make `redis-cli` use TLS with this certificate. */
export function cliTls(certificate: Certificate | undefined): readonly string[] {
  return certificate ? ["--tls", "--cacert", certificate.certFile] : [];
}
