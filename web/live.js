/* What happens on the stage, kept up to date by the server's events from the moment the page is open: rooms only
 * look at it.
 *
 * watch(["queue"], f, signal) calls f when that part has changed. Parts: connection, state (all of it), channel,
 * message, queue, outcome (of one entry), playing, control. */
import * as api from "./api.js";
import * as prefs from "./prefs.js";
import { attempt } from "./ui.js";

export const LOG_MAX = 200;

/* As GET /api/live has it. `log`: oldest first, each entry with its `outcome`: "dropped", "merged", "queued",
 * "sounding", "spoken", or why it left unspoken ("skipped", "full", …). */
export const state = {
  connection: "connecting", channels: [], playing: null, queue: [], queue_seconds: 0, paused: false, volume: 1,
    voice: "",
  listeners: 0, log: [], summary: { received: 0, spoken: 0, dropped: {} },
};

/* Seconds into the clip that sounds: counted from `since`, or held at `held` during a pause. */
let since = 0, held = 0;

export function position() {
  if (!state.playing) return 0;
  return Math.min(state.playing.duration, state.paused ? held : (performance.now() - since) / 1000);
}

function setPaused(paused) {
  if (paused === state.paused) return;
  if (paused) held = position();
  else since = performance.now() - 1000 * held;
  state.paused = paused;
}

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

/* When the next try is, by this page's clock: `retry_seconds` are those from when it was told. */
const timed = (c) => ({ ...c, retry_at: performance.now() + 1000 * (c.retry_seconds ?? 0) });

const channelOf = (m) => state.channels.find((c) => sameChannel(c, m));

const handlers = {
  state(all) {
    Object.assign(state, all, { channels: all.channels.map(timed) });
    held = all.position_seconds ?? 0;
    since = performance.now() - 1000 * held;
    state.log = state.log.slice(-LOG_MAX);
    for (const entry of state.log) entry.outcome = outcomeOf(entry, "spoken");
    tell("state");
  },
  message(entry) {
    entry.outcome = outcomeOf(entry, "queued");
    state.log.push(entry);
    if (state.log.length > LOG_MAX) state.log.shift();
    state.summary.received++;
    const channel = channelOf(entry.message);
    if (channel) channel.received++;
    if (!entry.number) {
      state.summary.dropped[entry.verdict] = (state.summary.dropped[entry.verdict] ?? 0) + 1;
      if (channel) channel.dropped++;
    }
    tell("message", entry);
  },
  queue(q) {
    Object.assign(state, q);
    tell("queue");
  },
  playing(clip) {
    state.playing = clip;
    since = performance.now();
    held = 0;
    state.summary.spoken++;
    const channel = channelOf(clip);
    if (channel) channel.spoken++;
    mark(clip.number, "sounding");
    tell("playing");
  },
  ended({ number, reason }) {
    if (state.playing?.number === number) state.playing = null;
    mark(number, reason);
    tell("playing");
  },
  channel(c) {
    const at = state.channels.findIndex((known) => sameChannel(known, c));
    if (c.state === "stopped") {
      if (at >= 0) state.channels.splice(at, 1);
    } else if (at >= 0) {
      state.channels[at] = timed(c);
    } else {
      state.channels.push(timed(c));
    }
    tell("channel");
  },
  /* taken back by its writer or the site's moderators; what was paid for outlasts a chat that is emptied */
  removed({ platform, channel, id, user_id }) {
    for (const entry of state.log) {
      const m = entry.message;
      if (!sameChannel(m, { platform, channel }) || (id && m.id !== id) || (user_id && m.user.id !== user_id) ||
          (!id && !user_id && m.priority === "paid")) continue;
      entry.deleted = true;
      tell("outcome", entry);
    }
  },
  control(c) {
    setPaused(c.paused ?? (c.action === "pause" || c.action === "panic" || (c.action !== "resume" && state.paused)));
    if (c.volume !== undefined) state.volume = c.volume;
    if (c.voice !== undefined) state.voice = c.voice;
    tell("control", c);
  },
};

/* What has become of it; `else_` of what was to be said and is not waiting. */
function outcomeOf(entry, else_) {
  if (!entry.number) return "dropped";
  if (entry.verdict === "merge") return "merged";
  if (state.playing?.number === entry.number) return "sounding";
  return state.queue.some((item) => item.number === entry.number) ? "queued" : else_;
}

function mark(number, outcome) {
  const entry = state.log.findLast((e) => e.number === number && e.verdict !== "merge");
  if (!entry || entry.outcome === outcome) return;
  entry.outcome = outcome;
  tell("outcome", entry);
}

/* pause, resume, skip, clear, replay, panic; volume and voice with { volume } or { voice }. What it did comes back
 * as an event too; the answer is used because it is sooner. */
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
