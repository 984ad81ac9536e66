/**
 * Run before a program of ours: has errors that nobody handles, of every kind, when the program is told by SIGUSR2.
 *
 * @module
 */
import { EventEmitter } from "node:events";

Deno.addSignalListener("SIGUSR2", () => {
  void Promise.reject(new Error("injected rejection"));
  setTimeout(() => {
    throw new Error("injected error");
  }, 0);
  setTimeout(() => new EventEmitter().emit("error", new Error("injected event")), 0);
});
