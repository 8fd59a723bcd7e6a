/* What is heard in the studio and among the voices: one clip at a time, from its cue on, also while it still arrives. The
 * live chat's sound is another matter (player.js). */
const LEAD = 0.05; /* seconds from scheduling to sound: less stutters when the page is busy */

let context = null;
let current = null; /* { clip, to, parts: [{ node, at, from, seconds }], next, taken, onend, end } */
const watchers = new Set();

const tell = () => {
  for (const run of [...watchers]) run();
};

export function watch(run, signal) {
  watchers.add(run);
  signal?.addEventListener("abort", () => watchers.delete(run));
}

export const playing = () => current?.clip ?? null;

/* Seconds into `clip`: of what sounds now, or where it would begin. */
export function position(clip) {
  if (current?.clip !== clip) return clip.cue;
  const now = context.currentTime;
  const part = current.parts.findLast((p) => p.at <= now) ?? current.parts[0];
  return part ? part.from + Math.max(0, Math.min(now - part.at, part.seconds)) : clip.cue;
}

/* From `from` or the clip's cue, up to `to`. To be called from a click or a key, or browsers stay silent. */
export function play(clip, { from = clip.cue, to = Infinity, onend } = {}) {
  stop();
  context ??= new AudioContext({ latencyHint: "interactive" });
  context.resume().catch(() => {});
  if (clip.ended && from >= Math.min(to, clip.seconds) - 0.02) from = 0;
  const mine = current = { clip, to, parts: [], next: 0, taken: Math.round(from * clip.rate), onend, end: new AbortController() };
  clip.cue = from;
  clip.watch(() => mine === current && schedule(), mine.end.signal);
  schedule();
  tell();
}

/* Leaves the cue where the sound stopped. */
export function stop() {
  if (!current) return;
  const { clip, parts, end } = current;
  clip.cue = position(clip);
  current = null;
  end.abort();
  for (const { node } of parts) {
    node.onended = null;
    node.stop();
    node.disconnect();
  }
  tell();
}

export function toggle(clip, options) {
  if (playing() === clip) stop();
  else play(clip, options);
}

export function seek(clip, seconds) {
  clip.cue = Math.max(0, Math.min(seconds, clip.seconds));
  if (playing() !== clip) return tell();
  const { to, onend } = current;
  const cue = clip.cue;
  stop();
  return play(clip, { from: cue, to, onend });
}

function schedule() {
  const { clip, to } = current;
  const until = Math.min(clip.length, Math.round(to * clip.rate));
  if (until > current.taken) {
    const samples = clip.samples().subarray(current.taken, until);
    const buffer = context.createBuffer(1, samples.length, clip.rate);
    buffer.copyToChannel(samples, 0);
    const node = context.createBufferSource();
    const at = Math.max(current.next, context.currentTime + LEAD);
    node.buffer = buffer;
    node.connect(context.destination);
    node.start(at);
    current.parts.push({ node, at, from: current.taken / clip.rate, seconds: buffer.duration });
    current.next = at + buffer.duration;
    current.taken = until;
  }
  const last = current.parts.at(-1)?.node;
  const complete = clip.ended || current.taken >= to * clip.rate;
  const mine = current;
  if (complete && (!last || current.next <= context.currentTime)) finish(mine);
  else if (complete) last.onended = () => finish(mine);
}

function finish(mine) {
  if (mine !== current) return;
  const { clip, end, onend } = mine;
  end.abort();
  current = null;
  clip.cue = 0;
  tell();
  onend?.();
}
