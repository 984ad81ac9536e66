/**
 * A certificate for this machine, made by openssl.
 *
 * @module
 */
import assert from "node:assert/strict";
import { peer } from "./peers.ts";
import { run } from "./process.ts";

/** A certificate for localhost, and its key, in PEM. */
export async function localCertificate(): Promise<{ cert: string; key: string }> {
  const directory = await Deno.makeTempDir();
  try {
    const made = await run(peer("openssl"), [
      ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "1"],
      ...["-keyout", `${directory}/key.pem`, "-out", `${directory}/cert.pem`, "-subj", "/CN=localhost"],
      ...["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"],
    ]);
    assert.equal(made.code, 0, made.stderr);
    const [cert, key] = await Promise.all(["cert", "key"].map((name) => Deno.readTextFile(`${directory}/${name}.pem`)));
    return { cert: cert!, key: key! };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}
