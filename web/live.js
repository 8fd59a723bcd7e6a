/* What happens on the stage, kept up to date by the server's events from the moment the page is open: rooms only look at it.
 *
 * watch(["queue"], f, signal) calls f when that part has changed. Parts: connection, state (all of it), channel, message, queue,
 * playing, control. */
import * as api from "./api.js";
import * as prefs from "./prefs.js";
import { attempt } from "./ui.js";

export const LOG_MAX = 200;

/* `log`: entries of the contract, oldest first, each with `outcome` once it was queued: "queued", "sounding", "spoken", "skipped", … */
export const state = {
  connection: "connecting", channels: [], playing: null, since: 0, queue: [], queue_seconds: 0, paused: false, volume: 1,
  voice: "", listeners: 0, log: [], summary: { received: 0, spoken: 0, dropped: {} },
};

const watchers = new Set(); /* { parts, run } */

export function watch(parts, run, signal) {
  const entry = { parts, run };
  watchers.add(entry);
  signal?.addEventListener("abort", () => watchers.delete(entry));
}

function tell(part, detail) {
  for (const w of [...watchers]) if (w.parts.includes(part)) w.run(detail, part);
}

const sameChannel = (a, b) => a.platform === b.platform && a.channel === b.channel;

const handlers = {
  state(all) {
    Object.assign(state, all);
    state.since = performance.now() - 1000 * (all.position_seconds ?? 0);
    state.log = (all.log ?? []).slice(-LOG_MAX);
    for (const entry of state.log) entry.outcome ??= outcomeOf(entry);
    tell("state");
  },
  message(entry) {
    entry.outcome = outcomeOf(entry);
    state.log.push(entry);
    if (state.log.length > LOG_MAX) state.log.shift();
    state.summary.received++;
    if (!entry.number && entry.verdict !== "merge")
      state.summary.dropped[entry.verdict] = (state.summary.dropped[entry.verdict] ?? 0) + 1;
    tell("message", entry);
  },
  queue(q) {
    Object.assign(state, q);
    tell("queue");
  },
  playing(clip) {
    state.playing = clip;
    state.since = performance.now();
    mark(clip.number, "sounding");
    tell("playing");
  },
  ended({ number, reason }) {
    if (state.playing?.number === number) state.playing = null;
    if (reason === "spoken") state.summary.spoken++;
    mark(number, reason);
    tell("playing");
  },
  channel(c) {
    const at = state.channels.findIndex((known) => sameChannel(known, c));
    if (c.state === "ended") {
      if (at >= 0) state.channels.splice(at, 1);
    } else if (at >= 0) {
      state.channels[at] = c;
    } else {
      state.channels.push(c);
    }
    tell("channel");
  },
  control(c) {
    if (c.paused !== undefined) state.paused = c.paused;
    else if (c.action === "pause" || c.action === "panic") state.paused = true;
    else if (c.action === "resume") state.paused = false;
    if (c.volume !== undefined) state.volume = c.volume;
    if (c.voice !== undefined) state.voice = c.voice;
    tell("control", c);
  },
};

/* What has become of it as far as the list tells. */
function outcomeOf(entry) {
  if (!entry.number) return entry.verdict === "merge" ? "merged" : "dropped";
  if (state.playing?.number === entry.number) return "sounding";
  return state.queue.some((item) => item.number === entry.number) || entry.fresh !== false ? "queued" : "spoken";
}

function mark(number, outcome) {
  const entry = state.log.findLast((e) => e.number === number);
  if (!entry) return;
  entry.outcome = outcome;
  tell("outcome", entry);
}

/* pause, resume, skip, clear, replay, panic; volume and voice with { volume } or { voice }. What it did comes back as an event
 * too; the answer is used because it is sooner. */
export async function control(action, more = {}) {
  const answer = await attempt(() => api.post("/api/live/control", { action, ...more }));
  if (answer) handlers.control({ ...answer, action });
}

let end = null;

/* Once; and again when the token has changed, because another one may see something else. */
export function start() {
  end = api.events("/api/live/events", handlers, (connection, detail) => {
    state.connection = connection;
    tell("connection", detail);
  });
}
prefs.watch("token", () => {
  if (!end) return;
  end();
  start();
});
