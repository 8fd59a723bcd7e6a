/* The sound of this page. It is on until switched off, and stays when the room changes. */
import * as prefs from "./prefs.js";
import { Player } from "./sound.js";

const watchers = new Set();
const tell = () => {
  for (const run of [...watchers]) run();
};

const player = new Player({ onchange: tell, onplay: tell, onend: tell, audible: prefs.get("sound", "on") === "on" });

export const state = {
  get on() { return player.on; },
  get locked() { return player.locked; },
  get position() { return player.position(); },
  get number() { return player.current?.header.number ?? 0; },
};

export function turn(on) {
  prefs.set("sound", on ? "" : "off");
  player.turnOn(on);
}
export const unlock = () => player.unlock();
export const start = () => player.start();

export function watch(run, signal) {
  watchers.add(run);
  signal?.addEventListener("abort", () => watchers.delete(run));
}

prefs.watch("token", () => player.restart());
