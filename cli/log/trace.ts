/**
 * The trace that `KRB5_TRACE` asks for: a file, `/dev/stderr` or `/dev/stdout`.
 *
 * @module
 */
import { utf8 } from "../../base/bytes.ts";
import { reasonText } from "../../base/reason.ts";
import { systemRuntime } from "../../base/runtime.ts";
import type { KerberosTracer } from "../../kerberos/reach/trace.ts";
import { writeAll } from "../terminal/output.ts";
import { traceLine } from "./trace_line.ts";

/** Writes a line, with its end. */
type Write = (line: string) => void;

/**
 * Returns the observer that `KRB5_TRACE` asks for. Without the permission to read the variable there is none: a trace is never
 * needed.
 */
export function environmentTracer(): KerberosTracer | undefined {
  if (Deno.permissions.querySync({ name: "env", variable: "KRB5_TRACE" }).state !== "granted") return undefined;
  const name = Deno.env.get("KRB5_TRACE");
  return name === undefined || name === "" ? undefined : tracerTo(writerTo(name));
}

/** An observer whose lines have the process and the time in front, as MIT's do. */
function tracerTo(write: Write): KerberosTracer {
  return (event) => write(`[${Deno.pid}] ${(systemRuntime.now() / 1000).toFixed(6)}: ${traceLine(event)}\n`);
}

function writerTo(name: string): Write {
  if (name === "/dev/stderr") return (line) => writeAll(Deno.stderr, utf8(line));
  if (name === "/dev/stdout") return (line) => writeAll(Deno.stdout, utf8(line));
  let failed = false;
  return (line) => {
    if (failed) return;
    try {
      Deno.writeTextFileSync(name, line, { append: true, create: true, mode: 0o600 });
    } catch (error) {
      failed = true;
      writeAll(Deno.stderr, utf8(`gssocks: cannot write the trace of KRB5_TRACE to ${name}: ${reasonText(error)}\n`));
    }
  };
}
