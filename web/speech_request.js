/* A request for POST /api/tts: what can be set, what is sent, and the same for a terminal and for Python. */
import * as api from "./api.js";

export const TEXT_MAX = 4096; /* characters */
export const FORMATS = ["wav", "mp3", "opus", "ogg", "flac", "pcm"];
export const PIECE = "pcm";   /* how the page itself gets the sound: playable as it comes */

/* What is a number: limits of the server, what holds when nothing is said, and the step of the arrow keys. `scale`
 * "log" spreads small values on the slider. */
export const NUMBERS = [
  { name: "speed", min: 0.1, max: 10, usual: 1, step: 0.05, scale: "log" },
  { name: "nfe_step", min: 1, max: 256, usual: 7, step: 1, scale: "log", model: true },
  { name: "cfg_strength", min: 0, max: 10, usual: 2, step: 0.1, model: true },
  { name: "sway_sampling_coef", min: -1, max: 1, usual: -1, step: 0.05, model: true },
  { name: "target_rms", min: 0.001, max: 1, usual: 0.1, step: 0.01, scale: "log", model: true },
  { name: "cross_fade_duration", min: 0, max: 10, usual: 0.15, step: 0.05, model: true },
  { name: "fix_duration", min: 0, max: 87, usual: 0, step: 0.5, model: true },
  { name: "seed", min: -1, max: 2 ** 53 - 1, usual: -1, step: 1, model: true, slider: false },
];

/* { voice_id: "", engine: "", remove_silence: false }, numbers "" where the server's value holds. */
export const emptySettings = () =>
  ({ voice_id: "", engine: "", remove_silence: false, ...Object.fromEntries(NUMBERS.map((n) => [n.name, ""])) });

/* Settings of a generation of the history; what its engine does not heed is left out. */
export function settingsOf({ voice_id, engine, params }) {
  const settings = { ...emptySettings(), voice_id, remove_silence: params.remove_silence ?? false };
  for (const { name, usual, model } of NUMBERS)
    if (!(model && engine === "builtin") && params[name] !== undefined && params[name] !== usual)
      settings[name] = String(params[name]);
  return settings;
}

/* What is sent; only what was chosen. */
export function requestOf(text, settings) {
  const request = { text };
  if (settings.voice_id) request.voice_id = settings.voice_id;
  if (settings.engine) request.engine = settings.engine;
  for (const { name } of NUMBERS)
    if (settings[name] !== "") request[name] = Number(settings[name]);
  if (settings.remove_silence) request.remove_silence = true;
  return request;
}

const asFile = (request, format) => ({ ...request, format, stream: true });

export function curlOf(request, format) {
  const quoted = JSON.stringify(asFile(request, format)).replaceAll("'", "'\\''");
  const token = api.token() ? ['-H "Authorization: Bearer $ISHOWTTS_TOKEN"'] : [];
  return [`curl -sS -o speech.${format} ${api.url("/api/tts")}`, ...token, "-H 'Content-Type: application/json'", `-d '${quoted}'`].join(" \\\n  ");
}

/* JSON's texts and numbers are Python's as well; true and false are not. */
export function pythonOf(request, format) {
  const lines = Object.entries(asFile(request, format))
    .map(([name, value]) => `    "${name}": ${value === true ? "True" : value === false ? "False" : JSON.stringify(value)},`);
  const header = api.token() ? `, "Authorization": "Bearer " + os.environ["ISHOWTTS_TOKEN"]` : "";
  return [`import json${api.token() ? ", os" : ""}, urllib.request`, "", "body = {", ...lines, "}",
    `request = urllib.request.Request("${api.url("/api/tts")}", json.dumps(body).encode(),`,
    `    {"Content-Type": "application/json"${header}})`,
    `with urllib.request.urlopen(request) as answer, open("speech.${format}", "wb") as file:`,
    "    file.write(answer.read())", ""].join("\n");
}
