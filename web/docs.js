/* Shows /openapi.json: what it says is all that this page knows of the routes. Nothing is loaded from elsewhere, and
 * no text of the document becomes markup. */

function el(tag, attributes = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (value !== undefined) e.setAttribute(name, value);
  e.append(...children.filter((c) => c !== undefined && c !== null));
  return e;
}

const byId = (id) => document.getElementById(id);

/* -------- the document -------- */

function resolve(doc, node) {
  while (node?.$ref)
    node = node.$ref.slice(2).split("/").reduce((at, key) => at[key], doc);
  return node;
}

function typeOf(doc, schema) {
  const s = resolve(doc, schema);
  if (s.anyOf) return s.anyOf.map((a) => typeOf(doc, a)).filter((t) => t !== "null").join(" or ");
  if (s.const !== undefined) return JSON.stringify(s.const);
  if (s.type === "null") return "null";
  if (s.format === "binary") return "file";
  const types = [s.type].flat().filter((t) => t && t !== "null");
  if (types[0] === "array") return `list of ${typeOf(doc, s.items ?? {})}`;
  return types.join(" or ") || "any";
}

function limitsOf(schema) {
  const parts = [];
  const { minimum: low, maximum: high } = schema;
  if (low !== undefined && high !== undefined) parts.push(`${low} to ${high}`);
  else if (low !== undefined) parts.push(`from ${low}`);
  if (schema.maxLength !== undefined) parts.push(`up to ${schema.maxLength} characters`);
  const values = schema.enum?.filter((v) => v !== null);
  if (values) parts.push(values.join(", "));
  if (schema.default !== undefined) parts.push(`default ${schema.default}`);
  return parts.join("; ");
}

function fieldRow(doc, name, schema, required, description) {
  const s = resolve(doc, schema);
  const limits = limitsOf(s);
  return el("tr", {},
    el("td", {}, el("code", {}, name), el("span", { class: "type" }, typeOf(doc, s), required ? " " : "",
      required ? el("span", { class: "must" }, "required") : "")),
    el("td", {}, description ?? s.description ?? "", limits ? el("span", { class: "type" }, limits) : undefined));
}

function fieldTable(doc, schema) {
  const s = resolve(doc, schema);
  const rows = Object.entries(s.properties ?? {}).map(([name, field]) =>
    fieldRow(doc, name, field, s.required?.includes(name)));
  return el("table", {}, el("tbody", {}, ...rows));
}

/* -------- examples -------- */

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

function exampleOf(path, method, operation) {
  const query = operation.parameters?.filter((p) => p.in === "query" && p.required)
    .map((p) => `${p.name}=${encodeURIComponent(p.example ?? "Hello chat!")}`).join("&");
  let url = location.origin + path + (query ? `?${query}` : "");
  for (const p of operation.parameters ?? [])
    if (p.in === "path") url = url.replace(`{${p.name}}`, encodeURIComponent(p.example ?? p.name));
  const content = operation.requestBody?.content ?? {};
  return { method: method.toUpperCase(), url, json: content["application/json"]?.example,
           form: content["multipart/form-data"]?.example,
           sound: Object.keys(operation.responses["200"]?.content ?? {})[0]?.startsWith("audio/") };
}

function asCurl(x) {
  const words = ["curl"];
  if (x.method !== "GET" && !(x.method === "POST" && (x.json || x.form))) words.push(`-X ${x.method}`);
  if (x.sound) words.push("-o speech");
  words.push(quoted(x.url));
  if (x.json) words.push(`\\\n  -H 'Content-Type: application/json' \\\n  -d ${quoted(JSON.stringify(x.json))}`);
  for (const [name, value] of Object.entries(x.form ?? {})) words.push(`\\\n  -F ${quoted(`${name}=${value}`)}`);
  return words.join(" ");
}

function asPython(x) {
  if (x.form) {
    const files = Object.entries(x.form).map(([name, value]) => value.startsWith("@")
      ? `"${name}": open("${value.slice(1)}", "rb")` : `"${name}": (None, ${JSON.stringify(value)})`);
    return `import httpx\n\nr = httpx.post("${x.url}", files={${files.join(", ")}})\nprint(r.json())`;
  }
  if (x.url.endsWith("/v1/audio/speech") && x.json)
    return `from openai import OpenAI\n\nclient = OpenAI(base_url="${location.origin}/v1", api_key="none")\n` +
      `with client.audio.speech.with_streaming_response.create(\n    model="${x.json.model}", ` +
      `voice="${x.json.voice}", response_format="${x.json.response_format}",\n` +
      `    input="${x.json.input}") as speech:\n` +
      `    speech.stream_to_file("speech.${x.json.response_format}")`;
  const call = x.json ? `, json=${pythonValue(x.json)}` : "";
  return `import httpx\n\nr = httpx.request("${x.method}", "${x.url}"${call})\n` +
    `print(r.status_code, r.headers["content-type"])`;
}

function pythonValue(v) {
  if (v === null || v === true || v === false) return { null: "None", true: "True", false: "False" }[v];
  if (Array.isArray(v)) return `[${v.map(pythonValue).join(", ")}]`;
  if (typeof v === "object")
    return `{${Object.entries(v).map(([k, x]) => `${JSON.stringify(k)}: ${pythonValue(x)}`).join(", ")}}`;
  return JSON.stringify(v);
}

/* -------- the page -------- */

function showOperation(doc, path, method, operation) {
  const card = el("article", { class: "card", id: operation.operationId },
    el("h3", {}, el("span", { class: `method ${method}` }, method.toUpperCase()), el("code", {}, path),
      el("span", { class: "scope" }, operation["x-scope"] ? `scope ${operation["x-scope"]}` : "open to all")),
    el("p", {}, operation.summary + ". ", operation.description));

  if (operation.parameters?.length)
    card.append(el("h4", {}, "Parameters"), el("table", {}, el("tbody", {}, ...operation.parameters.map((p) =>
      fieldRow(doc, p.name, p.schema, p.required, p.description)))));
  for (const [type, body] of Object.entries(operation.requestBody?.content ?? {})) {
    card.append(el("h4", {}, `Body, ${type}`), fieldTable(doc, body.schema));
  }

  const answers = Object.entries(operation.responses).map(([status, answer]) => {
    const a = resolve(doc, answer);
    return el("tr", {}, el("td", {}, el("code", {}, status),
      status < "400" ? el("span", { class: "type" }, Object.keys(a.content ?? {}).join(", ")) : undefined),
      el("td", {}, a.description));
  });
  card.append(el("details", {}, el("summary", {}, "Answers"), el("table", {}, el("tbody", {}, ...answers))));

  const example = exampleOf(path, method, operation);
  card.append(el("details", {}, el("summary", {}, "Examples"),
    el("pre", { tabindex: 0 }, el("code", {}, asCurl(example))),
    el("pre", { tabindex: 0 }, el("code", {}, asPython(example)))));
  return card;
}

/* A long path may go on in the next line after a slash. */
const breakable = (path) => path.split(/(?<=\/)/).flatMap((part) => [part, el("wbr")]);

function showDocument(doc) {
  byId("intro").textContent = doc.info.description;
  for (const tag of doc.tags) {
    const list = el("ul");
    const group = el("section", {}, el("h2", {}, tag.name), el("p", {}, tag.description));
    for (const [path, methods] of Object.entries(doc.paths))
      for (const [method, operation] of Object.entries(methods))
        if (operation.tags?.includes(tag.name)) {
          list.append(el("li", {}, el("a", { href: `#${operation.operationId}` },
            el("span", { class: `method ${method}` }, method.toUpperCase()), " ", ...breakable(path))));
          group.append(showOperation(doc, path, method, operation));
        }
    if (!list.children.length) continue;
    byId("contents").append(el("h3", {}, tag.name), list);
    byId("routes").append(group);
  }
  const schemas = byId("schemas");
  schemas.append(el("h2", {}, "Objects"));
  for (const [name, schema] of Object.entries(doc.components.schemas))
    schemas.append(el("article", { class: "card" }, el("h3", {}, el("code", {}, name)), fieldTable(doc, schema)));
  byId("contents").open = matchMedia("(min-width: 52rem)").matches;
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

/* -------- hearing it -------- */

const form = byId("say");
const player = byId("player");
let running = null; /* an AbortController */

const authorized = () => form.token.value ? { Authorization: `Bearer ${form.token.value}` } : {};

async function messageOf(response) {
  try {
    return (await response.json()).error.message;
  } catch {
    return `${response.status} ${response.statusText}`;
  }
}

function tell(text, bad = false) {
  byId("result").textContent = text;
  byId("result").className = bad ? "bad" : "";
}

function showFacts(response) {
  const names = { "x-ishow-engine": "engine", "x-ishow-rtf": "RTF", "x-ishow-queue-ms": "queue ms",
                  "x-ishow-nfe": "nfe", "x-ishow-seed": "seed", "x-ishow-degraded": "degraded" };
  const facts = Object.entries(names).filter(([header]) => response.headers.has(header)).map(([header, name]) =>
    el("div", {}, el("dt", {}, name), el("dd", {}, response.headers.get(header))));
  byId("facts").replaceChildren(...facts);
  byId("facts").hidden = false;
}

async function speak() {
  const request = { input: form.input.value, response_format: form.response_format.value };
  if (form.voice.value) request.voice = form.voice.value;
  if (form.speed.value) request.speed = Number(form.speed.value);
  if (form.seed.value) request.seed = Number(form.seed.value);
  const begun = performance.now();
  const response = await fetch("/v1/audio/speech", { method: "POST", signal: running.signal,
    headers: { "Content-Type": "application/json", ...authorized() }, body: JSON.stringify(request) });
  if (!response.ok) throw new Error(await messageOf(response));
  const sound = await response.blob();
  URL.revokeObjectURL(player.src);
  player.src = URL.createObjectURL(sound);
  player.hidden = false;
  showFacts(response);
  tell(`${(sound.size / 1024).toFixed(0)} KB in ${Math.round(performance.now() - begun)} ms`);
  player.play().catch(() => {}); /* a browser may want a click for it */
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const [button] = form.getElementsByTagName("button");
  running = new AbortController();
  button.disabled = true;
  byId("stop").hidden = false;
  tell("speaking …");
  try {
    await speak();
  } catch (error) {
    tell(error.name === "AbortError" ? "stopped" : error.message, error.name !== "AbortError");
  }
  button.disabled = false;
  byId("stop").hidden = true;
});
byId("stop").addEventListener("click", () => running.abort());

async function fillVoices() {
  const response = await fetch("/api/voices", { headers: authorized() });
  if (!response.ok) return; /* without a token the list stays as it is: the default voice */
  const voices = await response.json();
  form.voice.replaceChildren(el("option", { value: "" }, "default"),
    ...voices.map((v) => el("option", { value: v.id }, v.id)));
}
form.token.addEventListener("change", fillVoices);

async function showHealth() {
  const health = await (await fetch("/api/health")).json();
  byId("state").textContent = `${health.version}: ${health.engine} speaks` +
    (health.trouble ? `; ${health.trouble}` : "");
}

showHealth().catch(() => { byId("state").textContent = "the server does not answer"; });
fillVoices().catch(() => {});
showDocument(await (await fetch("/openapi.json")).json());
