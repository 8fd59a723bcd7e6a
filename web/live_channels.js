/* The card with the chats that are read, and the form that connects another. */
import * as api from "./api.js";
import * as live from "./live.js";
import { duration, number, translator } from "./i18n.js";
import { PLATFORMS, platformName, platformOf } from "./platforms.js";
import { attempt, button, confirm, el, field, select, toast } from "./ui.js";

const t = translator({
  channels: ["Chats", "聊天频道"],
  connect: ["Connect", "连接"],
  connect_another: ["Connect a chat", "连接聊天"],
  platform: ["Site", "平台"],
  channel: ["Channel", "频道"],
  channel_twitch: ["Name or link of the channel", "频道名称或链接"],
  channel_youtube: ["Link of the video, or the channel's id", "视频链接或频道 ID"],
  channel_bilibili: ["Number of the room", "房间号"],
  channel_other: ["A name for this chat", "为该聊天取个名称"],
  code: ["Streamer's code", "主播身份码"],
  code_help: ["Bilibili shows it in its open platform's panel", "可在哔哩哔哩互动玩法面板中查看"],
  address: ["Address", "地址"],
  address_help: ["wss://… that sends one JSON message a frame", "每帧发送一条 JSON 消息的 wss://… 地址"],
  voice: ["Voice", "音色"],
  connected_to: ["Connecting to {channel}", "正在连接 {channel}"],
  connected_already: ["{channel} is connected already", "{channel} 已连接"],
  disconnect: ["Disconnect {channel}", "断开 {channel}"],
  disconnect_sure: ["What is queued of it goes too, except what was paid for.", "其排队消息也会移除，付费消息除外。"],
  disconnect_word: ["Disconnect", "断开"],
  rules: ["Rules of {channel}", "{channel} 的规则"],
  state_connecting: ["connecting", "连接中"],
  state_ready: ["reading", "读取中"],
  state_waiting: ["trying again", "重试中"],
  state_refused: ["refused", "被拒绝"],
  state_ended: ["ended", "已结束"],
  retry_in: ["again in {time}", "{time}后重试"],
  counts: ["{received} read · {spoken} said · {dropped} not", "收到 {received} · 播报 {spoken} · 未播 {dropped}"],
  quota: ["Quota: {used} of {limit} units today", "今日配额：{used} / {limit}"],
  none: ["No chat yet. Connect one below, or try the test chat.", "还没有频道。请在下方连接，或试用测试聊天。"],
});

const KINDS = { connecting: "accent", ready: "good", waiting: "warn", refused: "bad", ended: "" };

function row(c, go) {
  const retry = el("span", { class: "dim number" }), counts = el("small", { class: "number" });
  const node = el("li", { class: "channel" },
    el("div", { class: "head" },
      el("div", { class: "row" }, el("strong", { class: "name" }, c.channel),
        el("span", { class: "dim" }, platformName(c.platform)),
        el("span", { class: `pill ${KINDS[c.state] ?? ""}` }, t(`state_${c.state}`)), retry),
      el("div", { class: "end" },
        button({ icon: "settings", label: t("rules", c), only: true, kind: "ghost small",
                 onclick: () => go(`settings/${c.platform}/${encodeURIComponent(c.channel)}`) }),
        button({ icon: "close", label: t("disconnect", c), only: true, kind: "ghost small",
          onclick: () => disconnect(c) }))),
    c.trouble ? el("p", { class: "bad" }, c.trouble) : null,
    counts,
    c.quota ? el("div", { class: "quota" },
      el("small", { class: "number" }, t("quota", { used: number(c.quota.used), limit: number(c.quota.limit) })),
      el("progress", { max: c.quota.limit, value: c.quota.used, "aria-hidden": "true" })) : null);
  const tick = () => {
    const left = (c.retry_at - performance.now()) / 1000;
    retry.textContent = c.state === "waiting" && left > 0 ? t("retry_in", { time: duration(Math.ceil(left)) }) : "";
    counts.textContent = t("counts", { received: number(c.received ?? 0), spoken: number(c.spoken ?? 0),
      dropped: number(c.dropped ?? 0) });
  };
  return { node, tick };
}

async function disconnect(c) {
  if (await confirm(t("disconnect", c), t("disconnect_sure"), t("disconnect_word")))
    await attempt(() => api.post("/api/danmaku/stop", { platform: c.platform, channel: c.channel }));
}

function connectForm(voices, done) {
  const site = select(PLATFORMS.map((p) => [p, platformName(p)]), "twitch", { id: "connect-platform" });
  const name = el("input", { id: "connect-channel", required: true, autocomplete: "off", spellcheck: "false",
    maxlength: 300 });
  const code = el("input", { id: "connect-code", autocomplete: "off", maxlength: 100 });
  const address = el("input", { id: "connect-url", type: "url", placeholder: "wss://", maxlength: 500 });
  const voice = select([["", t("default_voice")], ...voices], "", { id: "connect-voice" });
  const codeField = field(t("code"), code, t("code_help"));
  const addressField = field(t("address"), address, t("address_help"));
  const send = el("button", { class: "primary" }, t("connect"));
  const form = el("form", { class: "connect" }, el("div", { class: "site" }, field(t("platform"), site),
    field(t("channel"), name)),
    codeField, addressField, field(t("voice"), voice), send);
  const adapt = () => {
    name.placeholder = t(`channel_${site.value}`);
    codeField.hidden = site.value !== "bilibili";
    addressField.hidden = address.disabled = site.value !== "other";
  };
  site.addEventListener("change", adapt);
  name.addEventListener("input", () => {
    const found = platformOf(name.value.trim());
    if (found && found !== site.value) {
      site.value = found;
      adapt();
    }
  });
  form.addEventListener("submit", async (e) => {
    e.preventDefault();
    send.disabled = true;
    const channel = name.value.trim();
    const body = { platform: site.value, channel, voice_id: voice.value || undefined, code: code.value.trim()
      || undefined,
                   url: (site.value === "other" && address.value.trim()) || undefined };
    const answer = await attempt(() => api.post("/api/danmaku/start", body));
    send.disabled = false;
    if (answer) {
      name.value = code.value = "";
      done();
      toast(t(answer.status === "running" ? "connected_already" : "connected_to",
        { channel: answer.channel ?? channel }), "good");
    }
  });
  adapt();
  return form;
}

export function channelsCard({ voices, go, signal }) {
  const list = el("ul", { class: "channels" });
  const form = el("details", { open: live.state.channels.length === 0 }, el("summary", {}, t("connect_another")),
    connectForm(voices, () => {
    form.open = false;
    form.querySelector("summary").focus();
  }));
  let rows = [];
  const draw = () => {
    rows = live.state.channels.map((c) => row(c, go));
    list.replaceChildren(...(rows.length ? rows.map((r) => r.node) : [el("li", { class: "empty" }, t("none"))]));
    for (const r of rows) r.tick();
  };
  live.watch(["state", "channel"], draw, signal);
  const timer = setInterval(() => rows.forEach((r) => r.tick()), 1000);
  signal.addEventListener("abort", () => clearInterval(timer));
  draw();
  return el("section", { class: "card chats", "aria-labelledby": "chats-title" },
    el("header", {}, el("h2", { id: "chats-title" }, t("channels"))), list, form);
}
