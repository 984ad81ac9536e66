/**
 * Fuzz targets: PACs and their buffers. The tickets that they come in are genuine, but another realm's KDC may have written them.
 *
 * @module
 */
import { asBytes, type Bytes } from "../../base/bytes.ts";
import { KerberosKey } from "../../kerberos/crypto/key.ts";
import { KerberosError } from "../../kerberos/errors.ts";
import type { EncTicketPart } from "../../kerberos/messages/ap.ts";
import { accountOf } from "../../kerberos/pac/account.ts";
import { readClientInfo } from "../../kerberos/pac/client_info.ts";
import { bufferOf, type PacBuffer, PacType, readPacBuffers } from "../../kerberos/pac/container.ts";
import { readLogonInfo } from "../../kerberos/pac/logon_info.ts";
import { signPac } from "../../kerberos/pac/signature.ts";
import { readUpnDnsInfo } from "../../kerberos/pac/upn_dns_info.ts";
import { unhex, vectors } from "../support/vectors.ts";
import type { Target } from "./fuzz.ts";

/** `accountOf()` takes both as a PAC that proves nothing. */
const expects = (error: unknown): boolean => error instanceof KerberosError || error instanceof RangeError;

/** Returns the targets of PACs. */
export function pacTargets(): Target[] {
  const pacs = vectors<{ pac_hex: string }>("pac").map(({ pac_hex }) => unhex(pac_hex));
  const key = KerberosKey.generate(18);
  const part: Omit<EncTicketPart, "authorizationData"> = {
    flags: 0,
    key: { keytype: 18, keyvalue: new Uint8Array(32) },
    crealm: "A.TEST",
    cname: { nameType: 1, nameString: ["testuser"] },
    transited: { trType: 1, contents: new Uint8Array(0) },
    authtime: Date.UTC(2019, 9, 17, 22, 22, 28),
    endtime: 0,
  };
  const state = async (adData: Bytes) =>
    void await accountOf({ ...part, authorizationData: [{ adType: 128, adData }] }, key);
  const buffers = (type: number, read: (data: Bytes) => unknown): Target => ({
    name: `PAC buffer ${type}`,
    seeds: pacs.flatMap((pac) => bufferOf(readPacBuffers(pac), type)?.data ?? []),
    expects,
    run: (input) => void read(asBytes(input)),
  });
  const rest: readonly PacBuffer[] = readPacBuffers(pacs[0]!).filter(({ type }) => type === PacType.ClientInfo);
  return [
    // Nothing in a ticket makes this reject.
    { name: "PAC of a ticket", seeds: pacs, expects: () => false, run: (input) => state(asBytes(input)) },
    {
      name: "LOGON_INFO in a signed PAC",
      seeds: pacs.flatMap((pac) => bufferOf(readPacBuffers(pac), PacType.LogonInfo)?.data ?? []),
      expects: () => false,
      run: async (input) =>
        state(await signPac([...rest, { type: PacType.LogonInfo, data: asBytes(input) }], { server: key, kdc: key })),
    },
    buffers(PacType.LogonInfo, readLogonInfo),
    buffers(PacType.ClientInfo, readClientInfo),
    buffers(PacType.UpnDnsInfo, readUpnDnsInfo),
  ];
}
