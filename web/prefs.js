/* What this browser remembers: theme, language, sound, volume, token. Values are strings; a listener hears of changes,
 * also of those made in another tab. The token is the one that may be kept for this tab only. */
const PREFIX = "ishow.";
const listeners = new Map();

/* Private windows may refuse storage; then things are remembered as long as the page lives. */
const memory = new Map();
function storage(session) {
  try {
    return session ? sessionStorage : localStorage;
  } catch {
    return { getItem: (k) => memory.get(k) ?? null, setItem: (k, v) => memory.set(k, v),
      removeItem: (k) => memory.delete(k) };
  }
}

export function get(name, fallback = "") {
  return storage(true).getItem(PREFIX + name) ?? storage(false).getItem(PREFIX + name) ?? fallback;
}

/* "" forgets. With `session` it is gone when the tab is closed. */
export function set(name, value, { session = false } = {}) {
  storage(true).removeItem(PREFIX + name);
  storage(false).removeItem(PREFIX + name);
  if (value !== "") storage(session).setItem(PREFIX + name, value);
  tell(name);
}

export const isSession = (name) => storage(true).getItem(PREFIX + name) !== null;

/* `signal` ends it. */
export function watch(name, listener, signal) {
  if (!listeners.has(name)) listeners.set(name, new Set());
  listeners.get(name).add(listener);
  signal?.addEventListener("abort", () => listeners.get(name).delete(listener));
}

function tell(name) {
  for (const listener of listeners.get(name) ?? []) listener(get(name));
}

addEventListener("storage", (e) => {
  if (e.key?.startsWith(PREFIX)) tell(e.key.slice(PREFIX.length));
});
