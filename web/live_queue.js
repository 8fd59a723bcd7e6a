/* The card with what will be said: an order that can be changed by dragging the handle, or by arrow keys on it. */
import * as api from "./api.js";
import * as live from "./live.js";
import { duration, number, translator } from "./i18n.js";
import { attempt, button, dialog, el } from "./ui.js";

const SHOWN_MAX = 100; /* rows; the rest is a number */

const t = translator({
  queue: ["Queue", "队列"],
  nothing: ["Nothing waits.", "队列为空。"],
  sum: ["{n} waiting, {time}", "{n} 条等待，共 {time}"],
  more: ["and {n} more", "还有 {n} 条"],
  move: ["Move {name}, now {at} of {all}: arrow keys", "移动 {name}，当前第 {at} / {all}：使用方向键"],
  moved: ["{name} is now {at} of {all}", "{name} 现为第 {at} / {all}"],
  remove: ["Remove what {name} wrote", "移除 {name} 的消息"],
  mute: ["Mute {name}", "静音 {name}"],
  mute_title: ["Mute {name}?", "静音 {name}？"],
  mute_text: ["Nothing of this user is read any more. The rules list who is muted.", "不再播报该用户的消息。可在规则中查看静音名单。"],
  mute_here: ["In {channel}", "仅在 {channel}"],
  mute_all: ["Everywhere", "所有频道"],
  muted: ["{name} is muted", "{name} 已静音"],
  paid: ["paid", "付费"],
  moderator: ["moderator", "房管"],
  mention: ["mention", "提及"],
  times: ["×{n}", "×{n}"],
  waited: ["waits {time}", "已等 {time}"],
});

const PILLS = { paid: "warn", moderator: "good", mention: "accent" };

/* Asks where, and mutes; used by the list of messages too. */
export async function mute(user, platform, channel) {
  const name = user.login || user.name;
  const send = (everywhere) => {
    d.close();
    attempt(() => api.post("/api/live/users", { user: name, action: "mute",
      ...(everywhere ? {} : { platform, channel }) }),
      t("muted", { name: user.name }));
  };
  const read = live.state.channels.some((c) => c.platform === platform && c.channel === channel);
  const d = dialog(t("mute_title", { name: user.name }), [el("p", {}, t("mute_text")), el("footer", {},
    button({ label: t("cancel"), onclick: () => d.close() }),
    read ? button({ label: t("mute_here", { channel }), kind: "danger", onclick: () => send(false) }) : null,
    button({ label: t("mute_all"), kind: "danger", onclick: () => send(true) }))]);
}

export function queueCard({ signal }) {
  const list = el("ol", { class: "queue" });
  const sum = el("small", { class: "number" });
  const said = el("p", { class: "unseen", role: "status" });
  const rows = new Map(); /* number → { node, item, … } */
  let dragged = null;

  const move = (number, before) => attempt(() => api.post(`/api/live/queue/${number}`, { action: "move", before }));

  /* Where an item stands, and what stands there after it is gone `by` places further. */
  function shift(item, by) {
    const all = live.state.queue, from = all.findIndex((i) => i.number === item.number);
    const to = Math.max(0, Math.min(all.length - 1, from + by));
    if (from < 0 || to === from) return;
    const others = all.filter((i) => i.number !== item.number);
    live.state.queue = [...others.slice(0, to), item, ...others.slice(to)]; /* at once; the server's word follows */
    draw();
    rows.get(item.number)?.grip.focus();
    said.textContent = t("moved", { name: item.user.name, at: to + 1, all: all.length });
    move(item.number, others[to]?.number ?? null);
  }

  function makeRow(item) {
    const grip = button({ icon: "grip", label: "", only: true, kind: "ghost small grip" });
    const text = el("span", { class: "text" }), tail = el("span", { class: "tail" });
    const node = el("li", {}, grip, el("div", { class: "what" }, el("div", { class: "row" },
      el("strong", { class: "user", style: item.color ? { "--user": item.color } : {} }, item.user.name),
      PILLS[item.priority] ? el("span", { class: `pill ${PILLS[item.priority]}` },
        item.priority === "paid" && item.amount?.text ? item.amount.text : t(item.priority)) : null, tail), text),
    button({ icon: "user_mute", label: t("mute", { name: item.user.name }), only: true, kind: "ghost small",
             onclick: () => mute(item.user, item.platform, item.channel) }),
    button({ icon: "close", label: t("remove", { name: item.user.name }), only: true, kind: "ghost small",
             onclick: () => attempt(() => api.post(`/api/live/queue/${item.number}`, { action: "remove" })) }));
    const row = { node, grip, text, tail, item };
    grip.addEventListener("keydown", (e) => {
      const by = { ArrowUp: -1, ArrowDown: 1, Home: -Infinity, End: Infinity }[e.key];
      if (by === undefined) return;
      e.preventDefault();
      shift(row.item, by);
    });
    grip.addEventListener("pointerdown", (e) => drag(e, row));
    return row;
  }

  /* The row follows the pointer; a line shows where it would land. */
  function drag(down, row) {
    if (down.button !== 0) return;
    down.preventDefault();
    row.grip.focus();
    row.grip.setPointerCapture(down.pointerId);
    dragged = row;
    row.node.classList.add("dragged");
    const end = new AbortController();
    let target = null;
    const mark = (next) => {
      for (const li of list.children) li.classList.remove("before", "after");
      const others = [...list.children].filter((li) => li !== row.node && li.dataset.number);
      target = next === undefined ? null : { before: next ? Number(next.dataset.number) : null };
      if (next) next.classList.add("before");
      else if (next === null) others.at(-1)?.classList.add("after");
    };
    row.grip.addEventListener("pointermove", (e) => {
      row.node.style.setProperty("translate", `0 ${e.clientY - down.clientY}px`);
      const others = [...list.children].filter((li) => li !== row.node && li.dataset.number);
      mark(others.find((li) => {
        const box = li.getBoundingClientRect();
        return e.clientY < box.top + box.height / 2;
      }) ?? null);
    }, { signal: end.signal });
    const finish = (drop) => {
      end.abort();
      dragged = null;
      row.node.classList.remove("dragged");
      row.node.style.removeProperty("translate");
      const to = target;
      mark();
      if (drop && to) {
        const others = live.state.queue.filter((i) => i !== row.item && i.number !== row.item.number);
        const at = to.before === null ? others.length : others.findIndex((i) => i.number === to.before);
        if (at >= 0) {
          live.state.queue = [...others.slice(0, at), row.item, ...others.slice(at)];
          move(row.item.number, to.before);
        }
      }
      draw();
    };
    row.grip.addEventListener("pointerup", () => finish(true), { signal: end.signal });
    row.grip.addEventListener("pointercancel", () => finish(false), { signal: end.signal });
    row.grip.addEventListener("keydown", (e) => {
      if (e.key === "Escape") {
        e.preventDefault();
        finish(false);
      }
    }, { signal: end.signal });
  }

  function draw() {
    if (dragged) return; /* rows do not jump under the pointer */
    const { queue } = live.state;
    const shown = queue.slice(0, SHOWN_MAX);
    const keep = new Set(shown.map((i) => i.number));
    for (const [n, row] of rows)
      if (!keep.has(n)) {
        row.node.remove();
        rows.delete(n);
      }
    list.querySelectorAll(".empty").forEach((e) => e.remove());
    shown.forEach((item, i) => {
      if (!rows.has(item.number)) rows.set(item.number, makeRow(item));
      const row = rows.get(item.number);
      row.item = item;
      row.node.dataset.number = item.number;
      row.text.textContent = item.text;
      row.tail.replaceChildren(item.merged ? el("span", { class: "pill accent" }, t("times", { n: item.merged + 1 }))
        : "",
        el("small", { class: "number" },
          `${duration(item.seconds)} · ${t("waited", { time: duration(item.waiting_seconds ?? 0) })}`));
      const label = t("move", { name: item.user.name, at: i + 1, all: queue.length });
      row.grip.setAttribute("aria-label", label);
      row.grip.title = label;
      if (list.children[i] !== row.node) list.insertBefore(row.node, list.children[i] ?? null);
    });
    const count = Math.max(queue.length, live.state.queue_count ?? 0); /* the server tells the first hundred */
    if (!queue.length) list.append(el("li", { class: "empty" }, t("nothing")));
    else if (count > shown.length) list.append(el("li", { class: "empty" },
      t("more", { n: number(count - shown.length) })));
    sum.textContent = queue.length ? t("sum", { n: number(count), time: duration(live.state.queue_seconds) }) : "";
  }

  live.watch(["state", "queue"], draw, signal);
  draw();
  return el("section", { class: "card waiting", "aria-labelledby": "queue-title" },
    el("header", {}, el("h2", { id: "queue-title" }, t("queue")), sum), list, said);
}
