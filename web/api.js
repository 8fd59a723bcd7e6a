/* The server: requests, events, and the stream of sound. All of them carry the token if there is one, and come back
 * by themselves when the connection is lost.
 *
 * Events are read by fetch, not by EventSource: the token goes into a header, a refusal is seen as such, and a
 * connection that has gone silent without an end is noticed by its missing pings. */
import * as prefs from "./prefs.js";
import { translator } from "./i18n.js";

const BASE = new URL("..", import.meta.url); /* the page may be under a prefix of a proxy's */
const SILENCE = 40_000; /* ms; the server pings every 15 s */
const t = translator();

/* `message` is a sentence for people: the server's own, if it gave one. */
export class ApiError extends Error {
  constructor(message, status = 0, details = {}) {
    super(message);
    this.status = status;
    this.code = details.code ?? null;
    this.param = details.param ?? null;
  }
}

export const token = () => prefs.get("token");
export const url = (path) => new URL(path.replace(/^\//, ""), BASE).href;

const headers = (more = {}) => (token() ? { Authorization: `Bearer ${token()}`, ...more } : more);

/* For what cannot set headers: <audio>, WebSocket, a link that opens elsewhere. */
export function urlWithToken(path) {
  const u = new URL(url(path));
  if (token()) u.searchParams.set("access_token", token());
  return u.href;
}

async function errorOf(response) {
  let details = {};
  try {
    details = (await response.json()).error ?? {};
  } catch { /* no envelope: the status must do */ }
  if (response.status === 401) dispatchEvent(new CustomEvent("ishow-token", { detail: details.message ?? "" }));
  return new ApiError(details.message ?? t("answer_status", { status: response.status }), response.status, details);
}

/* Any request; the Response of one that succeeded, an ApiError else. `json` is sent as such; `body` as it is. */
export async function request(method, path, { json, body, signal, more } = {}) {
  let response;
  try {
    response = await fetch(url(path), {
      method,
      signal,
      headers: headers({ ...(json === undefined ? {} : { "Content-Type": "application/json" }), ...more }),
      body: json === undefined ? body : JSON.stringify(json),
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new ApiError(t("offline"));
  }
  if (!response.ok) throw await errorOf(response);
  return response;
}

/* The same, giving the answer's JSON; null where it has none. */
export async function call(method, path, options) {
  const response = await request(method, path, options);
  const text = await response.text();
  return text && (response.headers.get("Content-Type") ?? "").includes("json") ? JSON.parse(text) : null;
}
export const get = (path, options) => call("GET", path, options);
export const post = (path, json, options) => call("POST", path, { json, ...options });
export const put = (path, json, options) => call("PUT", path, { json, ...options });
export const del = (path, options) => call("DELETE", path, options);

/* -------- what stays open -------- */

/* Runs connect(signal) again and again until `signal` aborts, waiting longer after each failure. connect resolves
 * when the connection is lost and calls its second argument when it stands. onstate hears "connecting", "open",
 * "waiting" with the seconds, "refused" with an error. */
async function keep(connect, signal, onstate) {
  let failures = 0;
  while (!signal.aborted) {
    onstate?.("connecting");
    let error = null;
    try {
      await connect(() => {
        failures = 0;
        onstate?.("open");
        dispatchEvent(new Event("ishow-open")); /* whoever else waits for this server need not wait longer */
      });
    } catch (e) {
      error = e;
    }
    if (signal.aborted) return;
    const seconds = Math.min(30, 0.5 * 2 ** failures++) * (0.75 + Math.random() / 2);
    const refused = error?.status === 401 || error?.status === 403;
    onstate?.(refused ? "refused" : "waiting", { seconds, error });
    await pause(refused ? 30_000 : seconds * 1000, signal);
  }
}

/* Waits, but not when the network or the server has come back, another token was given or `signal` aborts. */
function pause(ms, signal) {
  return new Promise((done) => {
    const end = new AbortController();
    const finish = () => {
      clearTimeout(timer);
      end.abort();
      done();
    };
    const timer = setTimeout(finish, ms);
    for (const sign of ["online", "ishow-open"]) addEventListener(sign, finish, { signal: end.signal });
    prefs.watch("token", finish, end.signal);
    signal.addEventListener("abort", finish, { signal: end.signal });
  });
}

/* Server-sent events: handlers[name](data) for each. Returns a function that ends it. */
export function events(path, handlers, onstate) {
  const end = new AbortController();
  let lastId = "";
  keep((opened) => readEvents(path, handlers, { opened, signal: end.signal, lastId: () => lastId,
    keepId: (id) => { lastId = id; } }),
    end.signal, onstate);
  return () => end.abort();
}

async function readEvents(path, handlers, { opened, signal, lastId, keepId }) {
  const silence = new AbortController();
  const give = () => silence.abort();
  signal.addEventListener("abort", give);
  addEventListener("pagehide", give,
    { signal: silence.signal }); /* a page that is kept for "back" must not keep a connection */
  let timer = setTimeout(give, SILENCE);
  try {
    const response = await request("GET", path, {
      signal: silence.signal,
      more: { Accept: "text/event-stream", ...(lastId() ? { "Last-Event-ID": lastId() } : {}) },
    });
    opened();
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      clearTimeout(timer);
      timer = setTimeout(give, SILENCE);
      const blocks = (rest + value).split(/\r?\n\r?\n/);
      rest = blocks.pop();
      for (const block of blocks) dispatch(block, handlers, keepId);
    }
  } finally {
    clearTimeout(timer);
    silence.abort();
    signal.removeEventListener("abort", give);
  }
}

function dispatch(block, handlers, keepId) {
  let name = "message";
  const data = [];
  for (const line of block.split(/\r?\n/)) {
    const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line);
    if (field === "event") name = value;
    else if (field === "data") data.push(value);
    else if (field === "id") keepId(value);
  }
  if (data.length) handlers[name]?.(JSON.parse(data.join("\n")));
}

/* A WebSocket that comes back: onbinary(ArrayBuffer), ontext(object). Returns { close, restart }. */
export function socket(path, { onbinary, ontext, onstate, accessToken }) {
  const end = new AbortController();
  let ws = null;
  const connect = (opened) => new Promise((lost) => {
    const u = new URL(accessToken === undefined ? urlWithToken(path) : url(path));
    if (accessToken) u.searchParams.set("access_token", accessToken);
    u.protocol = u.protocol === "https:" ? "wss:" : "ws:";
    ws = new WebSocket(u);
    ws.binaryType = "arraybuffer";
    const leave = () => ws.close();
    addEventListener("pagehide", leave);
    ws.onopen = opened;
    ws.onclose = () => {
      removeEventListener("pagehide", leave);
      lost();
    };
    ws.onmessage = (e) => {
      if (typeof e.data === "string") ontext?.(JSON.parse(e.data));
      else onbinary?.(e.data);
    };
  });
  keep(connect, end.signal, onstate);
  return {
    close() {
      end.abort();
      ws?.close();
    },
    restart: () => ws?.close(),
  };
}
