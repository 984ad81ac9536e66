/**
 * Situations of reading into memory of every kind, and memory that goes away.
 *
 * @module
 */
import { Buffer } from "node:buffer";
import { lenientText, utf8 } from "../../base/bytes.ts";
import { read, type Situation, type Stage, told } from "./situation.ts";

const NO_LENGTH = "Deno takes memory that is gone for memory of no length, and reads nothing";

/** Memory with a byte all around it that must stay as it is. */
const GUARD_OCTET = 0xee;

/** Reads ten bytes into memory of a kind, and the rest afterwards. */
function into(name: string, gives: string, make: () => Uint8Array): Situation {
  return {
    name: `read() into ${name}`,
    gives,
    async play({ stream, peer }): Promise<string> {
      await peer.send("0123456789");
      const memory = make();
      new Uint8Array(memory.buffer).fill(GUARD_OCTET);
      const count = await stream.read(memory);
      const end = memory.byteOffset + (count ?? 0);
      const around = new Uint8Array(memory.buffer).filter((_, i) => i < memory.byteOffset || i >= end);
      const untouched = around.every((byte) => byte === GUARD_OCTET) ? "" : ", bytes around it are changed";
      return `${lenientText(new Uint8Array(memory.slice(0, count ?? 0)))}, ${await told(read(stream))}${untouched}`;
    },
  };
}

const KINDS: readonly Situation[] = [
  into("a part of an array", "0123456, 789", () => new Uint8Array(20).subarray(5, 12)),
  into("one byte", "0, 123456789", () => new Uint8Array(3).subarray(1, 2)),
  into("shared memory", "01234567, 89", () => new Uint8Array(new SharedArrayBuffer(8))),
  into("a part of shared memory", "012, 3456789", () => new Uint8Array(new SharedArrayBuffer(8), 2, 3)),
  into("resizable memory", "01234567, 89", () => new Uint8Array(new ArrayBuffer(8, { maxByteLength: 16 }))),
  into("a Buffer", "0123, 456789", () => Buffer.alloc(4)),
];

/** Tries to read into what cannot be read into, and then as one should. */
async function refused({ stream, peer }: Stage, wrong: readonly unknown[]): Promise<string> {
  await peer.send("0123456789");
  const seen: string[] = [];
  for (const target of wrong) seen.push(await told(() => stream.read(target as Uint8Array)));
  return `${seen.join(", ")}; ${await told(read(stream))}`;
}

/** Memory that goes away while a read waits: what comes is the next read's. */
function gone(how: string, change: (memory: Uint8Array) => void, gives: string): Situation {
  return {
    name: `memory that is ${how} while a read waits`,
    gives,
    except: [{ over: "Deno", gives: undefined, why: "Deno reads into memory that is gone, and what it read is lost" }],
    async play({ stream, peer }): Promise<string> {
      const memory = new Uint8Array(new ArrayBuffer(20, { maxByteLength: 40 }));
      const waiting = told(stream.read(memory));
      await stream.write(utf8("?"));
      await peer.take(1);
      change(memory);
      await peer.send("late data");
      const first = await waiting;
      await peer.send("!");
      let rest = "";
      while (!rest.endsWith("!")) rest += await read(stream);
      return `${first}, ${rest}`;
    },
  };
}

/** Reading into memory. */
export const MEMORY: readonly Situation[] = [
  ...KINDS,
  {
    name: "read() into no bytes, with bytes there and without",
    gives: "0, 0, one",
    async play({ stream, peer }): Promise<string> {
      const before = await told(stream.read(new Uint8Array(0)));
      await peer.send("one");
      return `${before}, ${await told(stream.read(new Uint8Array(0)))}, ${await told(read(stream))}`;
    },
  },
  {
    name: "read() into what is no Uint8Array",
    gives: "TypeError, TypeError, TypeError, TypeError, TypeError, TypeError, TypeError, TypeError; 0123456789",
    except: [{
      over: "Deno",
      gives: undefined,
      why: "Deno reads into whatever memory it is given: a Uint16Array is taken for one of bytes",
    }],
    play: (stage) =>
      refused(stage, [
        new DataView(new ArrayBuffer(4)),
        new Uint16Array(4),
        new Int8Array(4),
        new ArrayBuffer(4),
        "text",
        4,
        undefined,
        null,
      ]),
  },
  {
    name: "read() into memory that is gone",
    gives: "TypeError; 0123456789",
    except: [{ over: "Deno", gives: "0; 0123456789", why: NO_LENGTH }],
    play(stage): Promise<string> {
      const memory = new Uint8Array(8);
      structuredClone(memory, { transfer: [memory.buffer] });
      return refused(stage, [memory]);
    },
  },
  gone("transferred", (memory) => {
    structuredClone(memory.buffer, { transfer: [memory.buffer as ArrayBuffer] });
  }, "TypeError, late data!"),
  gone("shrunk", (memory) => (memory.buffer as ArrayBuffer).resize(2), "TypeError, late data!"),
  gone("shrunk to nothing", (memory) => (memory.buffer as ArrayBuffer).resize(0), "TypeError, late data!"),
  gone("grown", (memory) => (memory.buffer as ArrayBuffer).resize(40), "9, !"),
  {
    name: "fixed memory that is transferred while a read waits, and another read",
    gives: "TypeError or its own bytes, and the rest whole",
    except: [{ over: "Deno", gives: undefined, why: "Deno reads into memory that is gone, and what it read is lost" }],
    async play({ stream, peer }): Promise<string> {
      const memory = new Uint8Array(4);
      const waiting = stream.read(memory).then(String, (error) => error.name);
      await stream.write(utf8("?"));
      await peer.take(1);
      structuredClone(memory, { transfer: [memory.buffer] });
      await peer.send("0123456789!");
      const first = await told(waiting);
      let rest = "";
      while (!rest.endsWith("!")) rest += await read(stream);
      // Bytes that lie in the memory that was transferred went with it: four at most, and never some of the next read's.
      const whole = rest === "0123456789!" || rest === "456789!";
      return first === "TypeError" && whole ? "TypeError or its own bytes, and the rest whole" : `${first}, ${rest}`;
    },
  },
];
