/**
 * Self-signed certificates for this machine, made by openssl.
 *
 * @module
 */
import assert from "node:assert/strict";
import { peer } from "./peers.ts";
import { run } from "./process.ts";

/** A self-signed certificate and its key, in PEM. */
export interface Certificate {
  readonly cert: string;
  readonly key: string;
}

/** Creates a certificate for a name, and for more names and addresses as openssl writes them (`IP:127.0.0.2`). */
export async function certificateFor(name = "localhost", ...others: readonly string[]): Promise<Certificate> {
  const names = [`DNS:${name}`, ...others].join();
  const { code, stdout, stderr } = await run(peer("openssl"), [
    ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"],
    ...["-keyout", "-", "-out", "-", "-subj", `/CN=${name}`],
    ...["-addext", `subjectAltName=${names}`, "-addext", "basicConstraints=critical,CA:FALSE"],
  ]);
  const [cert, key] = ["CERTIFICATE", "PRIVATE KEY"].map((label) =>
    new RegExp(`-----BEGIN ${label}-----[^]*?-----END ${label}-----\\n`).exec(stdout)?.[0]
  );
  assert.ok(code === 0 && cert !== undefined && key !== undefined, stderr);
  return { cert, key };
}
