/**
 * The choice between the two DER engines. It belongs to the codec: callers of `encode()` and `decode()` name no engine.
 *
 * The engine in `der.ts` reads everything, because other parties may have sent it: asn1js takes 6 ms for a kilobyte of tiny
 * elements and validates little. It also writes what is written often, or because a peer asks for it. asn1js writes the types
 * that are marked as rarely written: requests of our own, a few a day.
 *
 * @module
 */
import { asn1jsEngine } from "./asn1js.ts";
import { derEngine } from "./der.ts";
import type { DerEngine } from "./element.ts";

/** The property of a codec that decides which engine writes its type. */
export interface Written {
  /** Whether this side writes the type rarely, and only for requests of its own. @default {false} */
  readonly rarelyWritten?: boolean | undefined;
}

/** Returns the engine that reads every type. */
export function readingEngine(): DerEngine {
  return derEngine;
}

/** Returns the engine that writes a type. */
export function writingEngine({ rarelyWritten }: Written): DerEngine {
  return rarelyWritten ? asn1jsEngine : derEngine;
}
