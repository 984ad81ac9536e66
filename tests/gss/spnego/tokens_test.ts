/** SPNEGO's tokens as other libraries write them. */
import assert from "node:assert/strict";
import { encodeInitialToken } from "../../../gss/initial_token.ts";
import { SPNEGO_OID } from "../../../gss/oids.ts";
import {
  decodeNegTokenInit,
  decodeNegTokenResp,
  encodeNegTokenInit,
  encodeNegTokenResp,
} from "../../../gss/spnego/tokens.ts";
import { extend } from "../../support/extend.ts";
import { hex, unhex, vectors } from "../../support/vectors.ts";

interface Sample {
  readonly name: string;
  readonly token_hex: string;
  readonly decoded: {
    readonly negTokenInit?: {
      readonly mechTypes: string[];
      readonly reqFlags: { readonly bits_hex: string; readonly unused: number };
      readonly mechToken: string;
    };
    readonly negTokenResp?: {
      readonly negState: number;
      readonly supportedMech: string;
      readonly responseToken?: string;
    };
  };
}

Deno.test("SPNEGO tokens: are read as other libraries meant them, and written to the same bytes", () => {
  for (
    const { name, token_hex, decoded: { negTokenInit: init, negTokenResp: resp } } of vectors<Sample>(
      "spnego_negotiation",
    )
  ) {
    const token = unhex(token_hex);
    if (init !== undefined) {
      const framed = encodeInitialToken(SPNEGO_OID, token);
      const read = decodeNegTokenInit(framed);
      const { bytes, unused } = read.reqFlags!;
      assert.deepEqual([read.mechTypes, hex(read.mechToken!)], [init.mechTypes, init.mechToken], name);
      assert.deepEqual({ bits_hex: hex(bytes), unused }, init.reqFlags);
      assert.equal(hex(encodeNegTokenInit(read)), hex(framed), name);
    } else {
      const read = decodeNegTokenResp(token);
      assert.deepEqual([read.negState, read.supportedMech], [resp!.negState, resp!.supportedMech], name);
      assert.equal(read.responseToken && hex(read.responseToken), resp!.responseToken);
      assert.equal(hex(encodeNegTokenResp(read)), token_hex, name);
      // The type ends in an extension marker.
      assert.equal(decodeNegTokenResp(extend(token)).negState, resp!.negState);
    }
  }
});
