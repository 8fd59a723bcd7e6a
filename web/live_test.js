/* The card that writes to the chat itself: one message, or a chat that nobody writes. */
import * as api from "./api.js";
import * as fake from "./fake_chat.js";
import { number, translator } from "./i18n.js";
import { verdictText } from "./verdicts.js";
import { attempt, button, el, field, icon, select, toggle } from "./ui.js";

const t = translator({
  test: ["Try it", "试一试"],
  message: ["Message", "消息"],
  message_example: ["hello chat", "大家好"],
  name: ["From", "用户名"],
  role: ["As", "身份"],
  role_viewer: ["viewer", "观众"],
  role_member: ["member", "会员"],
  role_moderator: ["moderator", "房管"],
  role_paid: ["paid €5", "付费 ¥30"],
  send: ["Send", "发送"],
  queued: ["Number {number}: {text}", "第 {number} 号：{text}"],
  not_said: ["Not said: {why}", "未播报：{why}"],
  fake: ["A chat that nobody writes", "模拟聊天"],
  rate: ["Messages a second", "每秒消息数"],
  with_en: ["English", "英文"],
  with_zh: ["Chinese", "中文"],
  with_gifts: ["Gifts and paid", "礼物与付费"],
  with_spam: ["Spam", "刷屏"],
  start: ["Start", "开始"],
  stop: ["Stop", "停止"],
  sent: ["{n} sent", "已发送 {n} 条"],
});

const RATES = [0.2, 0.5, 1, 2, 5, 10, 20];

function writeForm() {
  const text = el("input", { id: "test-text", required: true, maxlength: 500, autocomplete: "off",
    placeholder: t("message_example") });
  const name = el("input", { id: "test-name", value: "Ann", required: true, maxlength: 60, autocomplete: "off" });
  const role = select(["viewer", "member", "moderator", "paid"].map((r) => [r, t(`role_${r}`)]), "viewer",
    { id: "test-role" });
  const result = el("p", { class: "dim", role: "status" });
  const send = el("button", { class: "primary" }, t("send"));
  const form = el("form", {}, field(t("message"), text),
    el("div", { class: "from" }, field(t("name"), name), field(t("role"), role), send), result);
  form.addEventListener("submit", async (e) => {
    e.preventDefault();
    const roles = ["member", "moderator"].includes(role.value) ? [role.value] : [];
    const amount = role.value === "paid" ? { micros: 5_000_000, currency: "EUR", text: "€5.00" } : undefined;
    const who = name.value.trim();
    const response = await attempt(() => api.request("POST", "/api/danmaku/enqueue",
      { json: { platform: "other", channel: "test", text: text.value, user: { id: who, name: who, roles }, amount } }));
    if (!response) return;
    result.textContent = response.status === 204
      ? t("not_said", { why: verdictText(response.headers.get("x-ishow-verdict") ?? "") })
      : t("queued", await response.json());
    text.value = "";
    text.focus();
  });
  return form;
}

function fakeChat(signal) {
  const rate = el("input", { type: "range", id: "fake-rate", min: 0, max: RATES.length - 1, step: 1 });
  const rateText = el("output", { class: "number", for: "fake-rate" });
  const boxes = Object.keys(fake.state.options).map((key) => {
    const box = toggle(t(`with_${key}`), { id: `fake-${key}` });
    box.input.checked = fake.state.options[key];
    box.input.addEventListener("change", () => { fake.state.options[key] = box.input.checked; });
    return box.whole;
  });
  const run = button({ label: t("start"), onclick: () => (fake.state.on ? fake.stop() : fake.start()) });
  const sent = el("small", { class: "number" });
  const drawRate = () => {
    fake.state.rate = RATES[rate.value];
    rateText.textContent = number(fake.state.rate, fake.state.rate < 1 ? 1 : 0);
    rate.setAttribute("aria-valuetext", rateText.textContent);
  };
  const draw = () => {
    run.replaceChildren(icon(fake.state.on ? "stop" : "play"), el("span", {}, t(fake.state.on ? "stop" : "start")));
    sent.className = fake.state.trouble ? "bad" : "number";
    sent.textContent = fake.state.trouble || (fake.state.sent ? t("sent", { n: number(fake.state.sent) }) : "");
  };
  rate.value = RATES.indexOf(fake.state.rate);
  rate.addEventListener("input", drawRate);
  fake.watch(draw, signal);
  drawRate();
  draw();
  return el("details", { open: fake.state.on }, el("summary", {}, t("fake")), el("div", { class: "fake" },
    el("div", { class: "field" }, el("label", { for: "fake-rate" }, t("rate")),
      el("div", { class: "slider" }, rate, rateText)),
    el("div", { class: "grid" }, boxes), el("div", { class: "row" }, run, sent)));
}

export function testCard({ signal }) {
  return el("section", { class: "card test", "aria-labelledby": "test-title" },
    el("header", {}, el("h2", { id: "test-title" }, t("test"))), writeForm(), fakeChat(signal));
}
