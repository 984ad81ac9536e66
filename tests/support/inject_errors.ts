/**
 * Preloaded before a program: has unhandled errors of every kind when the program gets SIGUSR2.
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
