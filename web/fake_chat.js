/* A chat that nobody writes: messages of all kinds at a chosen rate, to try rules and the sound. It goes on when the
 * room changes. */
import * as api from "./api.js";

const PEOPLE = [
  ["mooncat", ["member"], "#9146ff"], ["Kiwi_42", [], "#2e8b57"], ["阿澄", [], "#d2691e"],
    ["pixel_ferret", ["vip"], "#1e90ff"],
  ["夜航星", ["member"], "#ff69b4"], ["tofu2go", ["first_time"], "#008080"], ["modMara", ["moderator"], "#b22222"],
    ["小鹿乱撞", [], "#daa520"],
];
const SAID = {
  en: ["hello from the back row", "that jump was so clean", "what song is this?", "gg, well played",
    "can you show the map again",
       "first time here, love the voice", "LETS GOOOOOO", "brb getting tea", "how long have you been live?",
         "that boss again…"],
  zh: ["主播晚上好", "这波操作太秀了", "今天播到几点呀", "刚来，发生了什么", "哈哈哈哈哈哈哈哈", "声音好好听", "求歌名", "前面的别走，带带我", "冲冲冲", "这关好难啊"],
};
const SPAM = ["BUY FOLLOWERS at https://example.com/cheap", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "!drop !drop !drop",
  "🔥🔥🔥🔥🔥🔥🔥🔥🔥🔥", "加群领福利 https://example.com", "same same same same same same"];

const pick = (list) => list[Math.floor(Math.random() * list.length)];
const amount = (value, currency, text) => ({ micros: Math.round(value * 1e6), currency, text });

const EVENTS = {
  gifts: [
    () => ({ kind: "gift", item: "Rose", count: 1 + Math.floor(Math.random() * 9) }),
    () => ({ kind: "said", text: pick(SAID.en), amount: amount(5, "EUR", "€5.00") }),
    () => ({ kind: "said", text: pick(SAID.zh), amount: amount(30, "CNY", "¥30") }),
    () => ({ kind: "member", item: "Tier 1", count: 1 + Math.floor(Math.random() * 24) }),
    () => ({ kind: "raid", count: 12 + Math.floor(Math.random() * 80) }),
  ],
};

/* One message out of those that `options` { en, zh, gifts, spam } let through. */
function makeMessage(options) {
  const kinds = ["en", "zh", "gifts", "spam"].filter((k) => options[k]);
  const kind = pick(kinds.flatMap((k) => (k === "en" || k === "zh" ? [k, k, k] : [k])).concat(kinds.length ? []
    : ["en"]));
  const [name, roles, color] = pick(PEOPLE);
  const what = kind === "gifts" ? pick(EVENTS.gifts)() : { kind: "said", text: kind === "spam" ? pick(SPAM)
    : pick(SAID[kind]) };
  return { platform: "other", channel: "test", user: { id: name, name, login: name, roles }, color, ...what };
}

export const state = { on: false, rate: 1, sent: 0, options: { en: true, zh: true, gifts: true, spam: true } };
const watchers = new Set();
let timer = 0;

export function watch(run, signal) {
  watchers.add(run);
  signal?.addEventListener("abort", () => watchers.delete(run));
}

function tell() {
  for (const run of [...watchers]) run();
}

async function send() {
  timer = setTimeout(send, (1000 / state.rate) * (0.5 + Math.random()));
  try {
    await api.request("POST", "/api/danmaku/enqueue", { json: makeMessage(state.options) });
    state.sent++;
  } catch (error) {
    stop(error.message);
    return;
  }
  tell();
}

export function start() {
  if (state.on) return;
  Object.assign(state, { on: true, sent: 0, trouble: "" });
  send();
  tell();
}

export function stop(trouble = "") {
  clearTimeout(timer);
  Object.assign(state, { on: false, trouble });
  tell();
}
