/**
 * Looks at the certificates of the listeners for TLS.
 *
 * @module
 */
import { X509Certificate } from "node:crypto";
import { systemRuntime } from "../../base/runtime.ts";
import { tlsIdentity } from "../config/listeners.ts";
import type { ServerConfig } from "../config/settings.ts";
import { type Finding, good, warning } from "./finding.ts";

const DAY = 86_400_000;
/** Days before the end from which on a certificate should be renewed. */
const SOON = 14;

/**
 * Looks at certificate, chain and key.
 *
 * @throws {ConfigError} When they cannot be read, are none, or are not of one another.
 */
export function checkCertificates(config: ServerConfig): Finding[] {
  const identity = tlsIdentity(config);
  if (identity === undefined) return [];
  const path = config.tls!.certificate;
  const chain = (identity.cert.match(/-----BEGIN CERTIFICATE-----[^]*?-----END CERTIFICATE-----/g) ?? [])
    .map((pem) => new X509Certificate(pem));
  const now = systemRuntime.now();
  return [...chain.map((certificate) => validity(path, certificate, now)), ...links(path, chain)];
}

/** One line, whoever issued it. */
function name(text: string): string {
  return text.replaceAll("\n", ", ");
}

function validity(
  path: string,
  { subject, subjectAltName, validFrom, validTo }: X509Certificate,
  now: number,
): Finding {
  const [from, to] = [Date.parse(validFrom), Date.parse(validTo)];
  const days = Math.floor((to - now) / DAY);
  const date = (time: number) => new Date(time).toISOString().slice(0, 10);
  const who = `${path}: ${name(subject ?? "")}${subjectAltName === undefined ? "" : ` (${subjectAltName})`}`;
  const facts = { certificate: path, expires: new Date(to).toISOString(), daysLeft: days };
  const of = "tls.certificate";
  if (to <= now) return warning(of, `${who} has expired on ${date(to)}: clients refuse it; renew it`, facts);
  if (from > now) return warning(of, `${who} is not good before ${date(from)}: clients refuse it until then`, facts);
  const text = `${who} expires on ${date(to)}, in ${days} day${days === 1 ? "" : "s"}`;
  return days < SOON ? warning(of, `${text}; renew it`, facts) : good(of, `${text}; the key belongs to it`, facts);
}

/** Each certificate must be issued by the next. */
function links(path: string, chain: readonly X509Certificate[]): Finding[] {
  return chain.slice(1).flatMap((issuer, i) => {
    const certificate = chain[i]!;
    if (certificate.checkIssued(issuer)) return [];
    const text = `${path}: ${name(certificate.subject)} was not issued by the next certificate, ${
      name(issuer.subject)
    }`;
    return [warning("tls.certificate", `${text}; write the chain in the order server, intermediate, root`)];
  });
}
