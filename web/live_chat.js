/* The card with the chat itself: each message, and what became of it. The newest 200 are kept; the list follows the end
 * unless somebody has scrolled up to read. */
import * as api from "./api.js";
import * as live from "./live.js";
import { mute } from "./live_queue.js";
import { number, timeOfDay, translator } from "./i18n.js";
import { platformName } from "./platforms.js";
import { outcomeText, verdictText } from "./verdicts.js";
import { attempt, button, el, select, toggle } from "./ui.js";

const NEAR = 40; /* px from the end that count as being there */

const t = translator({
  chat: ["Chat", "聊天"],
  nothing: ["Messages appear here with what became of them.", "消息及其处理结果会显示在这里。"],
  summary: ["{received} read · {spoken} said · {dropped} not", "收到 {received} · 播报 {spoken} · 未播 {dropped}"],
  show: ["Show", "显示"],
  show_all: ["Everything", "全部"],
  show_said: ["What is said", "已播报"],
  show_dropped: ["What is not said", "未播报"],
  spoken_text: ["Show what is spoken", "显示播报文本"],
  new_ones: ["{n} new, to the end", "{n} 条新消息，跳到底部"],
  mute: ["Mute {name}", "静音 {name}"],
  hear: ["Hear it again on this page", "在本页重听"],
  cut: ["shortened", "已截短"],
  role_owner: ["streamer", "主播"],
  role_moderator: ["mod", "房管"],
  role_vip: ["VIP", "VIP"],
  role_member: ["member", "会员"],
  role_first_time: ["first time", "首次发言"],
  role_bot: ["bot", "机器人"],
  role_anonymous: ["anonymous", "匿名"],
  kind_gift: ["sent {count} {item}", "送出 {count} 个 {item}"],
  kind_member: ["became a member", "成为会员"],
  kind_gifted: ["gifted {count} memberships", "赠送 {count} 个会员"],
  kind_raid: ["raids with {count} viewers", "带来 {count} 位观众"],
  kind_sticker: ["sent a sticker", "送出贴纸"],
  kind_announced: ["announces", "公告"],
  kind_entered: ["came in", "进入直播间"],
  kind_liked: ["liked", "点赞"],
  kind_followed: ["follows", "关注了主播"],
  kind_notice: ["notice", "通知"],
  reply_to: ["to {name}", "回复 {name}"],
});

const ROLES = { owner: "bad", moderator: "good", vip: "accent", member: "accent", first_time: "warn", bot: "",
  anonymous: "" };
const GOOD = { spoken: "good", sounding: "accent", queued: "", merged: "accent" };

function contentOf(m) {
  if (m.text && m.fragments?.length)
    return m.fragments.map((f) => (f.type === "emote" ? el("span", { class: "chip" }, f.text)
      : f.type === "mention" ? el("b", {}, f.text) : f.type === "link" ? el("span", { class: "dim" }, f.text)
        : f.text));
  return [m.text];
}

function fateOf(entry) {
  if (entry.deleted) return [outcomeText("deleted"), "bad"];
  if (entry.outcome === "dropped") return [verdictText(entry.verdict, entry.because), "bad"];
  return [outcomeText(entry.outcome), GOOD[entry.outcome] ?? "warn"];
}

/* By a request and not by the address, so that its absence is told in words. */
const hear = (n) => attempt(async () => {
  const audio = new Audio(URL.createObjectURL(await (await api.request("GET", `/api/live/clips/${n}`)).blob()));
  const free = () => URL.revokeObjectURL(audio.src);
  audio.addEventListener("ended", free);
  audio.addEventListener("error", free);
  await audio.play();
});

function makeRow(entry) {
  const m = entry.message;
  const fate = el("span", { class: "pill" });
  const again = button({ icon: "play", label: t("hear"), only: true, kind: "ghost small",
    onclick: () => hear(entry.number) });
  const spoken = el("p", { class: "spoken" });
  const node = el("li", {}, el("div", { class: "line" },
    el("time", { class: "number dim" }, timeOfDay(m.time_ms)), " ",
    (m.user.roles ?? []).map((r) => [el("span", { class: `pill ${ROLES[r] ?? ""}` }, r in ROLES ? t(`role_${r}`) : r),
      " "]),
    el("strong", { class: "user", title: `${platformName(m.platform)} ${m.channel}`,
      style: m.color ? { "--user": m.color } : {} }, m.user.name), " ",
    m.amount ? [el("span", { class: "pill warn" }, m.amount.text || m.amount.currency), " "] : null,
    m.reply_to ? [el("span", { class: "dim" }, t("reply_to", { name: m.reply_to })), " "] : null,
    m.kind !== "said" ? [el("em", {}, t(`kind_${m.kind}`, { count: m.count, item: m.item })), " "] : null,
    contentOf(m)),
  el("div", { class: "fate" }, fate, entry.cut ? el("span", { class: "pill warn" }, t("cut")) : null,
  el("span", { class: "actions" }, again, m.user.name ? button({ icon: "user_mute",
    label: t("mute", { name: m.user.name }), only: true, kind: "ghost small",
    onclick: () => mute(m.user, m.platform, m.channel) }) : null)), spoken);
  const draw = () => {
    const [text, kind] = fateOf(entry);
    fate.className = `pill ${kind}`;
    fate.textContent = text;
    node.className = entry.outcome === "dropped" ? "dropped" : "said";
    node.classList.toggle("deleted", Boolean(entry.deleted));
    again.hidden = entry.outcome !== "spoken";
    spoken.textContent = entry.outcome === "dropped" ? "" : entry.text;
    spoken.hidden = !spoken.textContent;
  };
  draw();
  return { node, draw };
}

export function chatCard({ signal }) {
  /* role="log": what comes is read out when the list is asked to, not over the sound */
  const list = el("ol", { class: "messages", role: "log", "aria-live": "off", tabindex: 0,
    "aria-labelledby": "chat-title" });
  const summary = el("small", { class: "number" });
  const more = button({ icon: "down", label: "", kind: "small primary new-ones", hidden: true,
    onclick: () => toEnd() });
  const rows = new Map(); /* entry → row */
  let atEnd = true, unseen = 0, drawing = 0;
  const waiting = [];

  const toEnd = () => {
    list.scrollTop = list.scrollHeight;
    atEnd = true;
    unseen = 0;
    more.hidden = true;
  };
  const drawSummary = () => {
    const { received, spoken, dropped } = live.state.summary;
    summary.textContent = t("summary", { received: number(received), spoken: number(spoken),
                                         dropped: number(Object.values(dropped ?? {}).reduce((a, b) => a + b, 0)) });
  };
  const add = (entries) => {
    list.querySelector(".empty")?.remove();
    const fresh = entries.map((entry) => {
      const row = makeRow(entry);
      rows.set(entry, row);
      return row.node;
    });
    list.append(...fresh);
    for (const entry of rows.keys()) {
      if (rows.size <= live.LOG_MAX) break;
      const { node } = rows.get(entry);
      if (!atEnd) list.scrollTop -= node.offsetHeight; /* what is read stays where it is */
      node.remove();
      rows.delete(entry);
    }
    if (atEnd) toEnd();
    else {
      unseen += entries.length;
      more.hidden = false;
      more.querySelector("span").textContent = t("new_ones", { n: number(unseen) });
    }
    drawSummary();
  };
  const redraw = () => {
    rows.clear();
    waiting.length = 0;
    list.replaceChildren();
    atEnd = true;
    if (live.state.log.length) add(live.state.log);
    else list.append(el("li", { class: "empty" }, t("nothing")));
    drawSummary();
  };

  list.addEventListener("scroll", () => {
    atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR;
    if (atEnd) toEnd();
  });
  live.watch(["state"], redraw, signal);
  live.watch(["message"], (entry) => { /* a flood is drawn a frame at a time */
    waiting.push(entry);
    if (waiting.length > live.LOG_MAX) waiting.shift();
    drawing ||= requestAnimationFrame(() => {
      drawing = 0;
      add(waiting.splice(0));
    });
  }, signal);
  live.watch(["outcome"], (entry) => rows.get(entry)?.draw(), signal);
  live.watch(["playing", "queue"], drawSummary, signal);

  const filter = select([["all", t("show_all")], ["only-said", t("show_said")], ["only-dropped", t("show_dropped")]],
    "all",
    { "aria-label": t("show"), id: "chat-filter" });
  filter.addEventListener("change", () => {
    list.classList.remove("only-said", "only-dropped");
    if (filter.value !== "all") list.classList.add(filter.value);
    toEnd();
  });
  const texts = toggle(t("spoken_text"), { id: "chat-spoken" });
  texts.input.addEventListener("change", () => {
    list.classList.toggle("with-spoken", texts.input.checked);
    if (atEnd) toEnd();
  });
  const sizes = new ResizeObserver(() => atEnd && toEnd());
  sizes.observe(list);
  signal.addEventListener("abort", () => sizes.disconnect());
  queueMicrotask(redraw);
  return el("section", { class: "card chat", "aria-labelledby": "chat-title" },
    el("header", {}, el("h2", { id: "chat-title" }, t("chat")), summary),
    el("div", { class: "row" }, filter, texts.whole), el("div", { class: "frame" }, list, more));
}
