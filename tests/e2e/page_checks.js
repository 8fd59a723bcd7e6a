/* What can be told of a page's accessibility by looking at it: the value of this file is a list of sentences, one a fault. */
(() => {
  const faults = [];
  const where = (e) => {
    const id = e.id ? `#${e.id}` : [...e.classList].map((c) => `.${c}`).join("");
    return `<${e.localName}${id}> ${(e.getAttribute("aria-label") || e.textContent || "").trim().slice(0, 40)}`;
  };
  const seen = (e) => e.checkVisibility({ checkOpacity: true, checkVisibilityCSS: true }) && e.getClientRects().length > 0;
  const all = (selector) => [...document.querySelectorAll(selector)].filter(seen);

  /* -------- structure -------- */

  const ids = new Map();
  for (const e of document.querySelectorAll("[id]")) {
    if (ids.has(e.id)) faults.push(`the id ${e.id} is there twice`);
    ids.set(e.id, e);
  }
  for (const name of ["for", "aria-labelledby", "aria-describedby", "aria-controls"])
    for (const e of document.querySelectorAll(`[${name}]`))
      for (const id of e.getAttribute(name).split(/\s+/))
        if (!document.getElementById(id)) faults.push(`${where(e)}: ${name} names ${id}, which is not there`);
  for (const e of document.querySelectorAll("[tabindex]")) if (e.tabIndex > 0) faults.push(`${where(e)}: tabindex ${e.tabIndex}`);
  if (all("h1").length !== 1) faults.push(`${all("h1").length} headings of the first level`);
  let level = 0;
  for (const h of all("h1, h2, h3, h4, h5, h6")) {
    const its = Number(h.localName[1]);
    if (its > level + 1) faults.push(`${where(h)}: a heading of level ${its} after one of ${level}`);
    if (!h.textContent.trim()) faults.push(`${where(h)}: an empty heading`);
    level = its;
  }
  for (const landmark of ["main", "nav", "header"])
    if (!document.querySelector(landmark)) faults.push(`there is no <${landmark}>`);
  for (const e of all("body *"))
    if (e.children.length === 0 && e.textContent.trim() && !e.closest("main, nav, header, footer, aside, dialog, [role=status], [role=alert], .skip-link"))
      faults.push(`${where(e)}: text outside of every landmark`);
  if (!/^(en|zh)/.test(document.documentElement.lang)) faults.push(`lang is "${document.documentElement.lang}"`);
  if (!document.title.trim()) faults.push("there is no title");
  for (const e of document.querySelectorAll("img:not([alt])")) faults.push(`${where(e)}: no alt`);
  for (const e of all("svg, canvas"))
    if (!e.closest("[aria-hidden=true]") && !(e.getAttribute("aria-label") || e.getAttribute("aria-labelledby")) && !e.closest("button, a"))
      faults.push(`${where(e)}: a picture that is neither named nor hidden`);
  for (const e of document.querySelectorAll("[aria-hidden=true]"))
    if ([...e.querySelectorAll("a, button, input, select, textarea, [tabindex='0']")].some(seen)) faults.push(`${where(e)}: hides a control from screen readers`);
  for (const e of document.querySelectorAll("button button, a button, button a, label label")) faults.push(`${where(e)}: a control in a control`);
  for (const e of document.querySelectorAll("ul > :not(li, script, template), ol > :not(li, script, template)")) faults.push(`${where(e)}: in a list and no item`);
  for (const e of document.querySelectorAll("dl > :not(dt, dd, div)")) faults.push(`${where(e)}: in a <dl>`);

  /* -------- size -------- */

  const wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > wide) faults.push(`scrolls sideways: ${document.documentElement.scrollWidth} px in ${wide}`);
  const scrolls = (e) => {
    for (let at = e.parentElement; at && at !== document.body; at = at.parentElement)
      if (at.clientWidth < at.scrollWidth && getComputedStyle(at).overflowX !== "visible") return true;
    return false;
  };
  for (const e of all("main *, header *"))
    if (e.getBoundingClientRect().right > wide + 1 && !scrolls(e) && !e.closest(".unseen")) faults.push(`${where(e)}: ends right of the page`);
  for (const e of all("button, select, input:not([type=checkbox], [type=radio], [type=range], [type=file]), summary")) {
    const box = e.getBoundingClientRect();
    if (box.width < 24 || box.height < 24) faults.push(`${where(e)}: ${Math.round(box.width)} × ${Math.round(box.height)} px to click on`);
  }

  /* -------- contrast (WCAG 2.2, 1.4.3 and 1.4.11) -------- */

  const dot = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
  const known = new Map();
  const colour = (text) => {
    if (!known.has(text)) {
      dot.clearRect(0, 0, 1, 1);
      dot.fillStyle = "#000";
      dot.fillStyle = text;
      dot.fillRect(0, 0, 1, 1);
      const [r, g, b, a] = dot.getImageData(0, 0, 1, 1).data;
      known.set(text, [r, g, b, a / 255]);
    }
    return known.get(text);
  };
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const contrast = (a, b) => {
    const [x, y] = [light(a), light(b)].sort((p, q) => q - p);
    return (x + 0.05) / (y + 0.05);
  };
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  const behind = (e) => {
    const layers = [];
    let at = e;
    for (; at; at = at.parentElement) {
      const c = colour(getComputedStyle(at).backgroundColor);
      if (c[3] > 0) layers.push(c);
      if (c[3] === 1) break;
      if (getComputedStyle(at).position === "fixed" && at.localName === "dialog") break;
    }
    return layers.reduceRight((under, c) => over(c, under), dark ? [18, 18, 18, 1] : [255, 255, 255, 1]);
  };
  const opacity = (e) => {
    let o = 1;
    for (let at = e; at; at = at.parentElement) o *= Number(getComputedStyle(at).opacity);
    return o;
  };
  const covered = document.querySelector("dialog[open]");
  const told = new Set();
  const judge = (e, text, style, what) => {
    const back = behind(e), [r, g, b, a] = colour(style.color);
    const ratio = contrast(over([r, g, b, a * opacity(e)], back), back);
    const size = parseFloat(style.fontSize), bold = Number(style.fontWeight) >= 700;
    const least = size >= 24 || (bold && size >= 18.66) ? 3 : 4.5;
    const sentence = `${where(e)}: ${what} "${text.slice(0, 30)}" has a contrast of ${ratio.toFixed(2)}: ${style.color} on ${back.slice(0, 3).map(Math.round)}`;
    if (ratio < least && !told.has(sentence)) {
      told.add(sentence);
      faults.push(sentence);
    }
  };
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    const e = node.parentElement;
    if (!node.data.trim() || !seen(e) || e.closest(":disabled, [aria-disabled=true], .unseen, option, script, noscript, .skip-link, .visually-hidden")) continue;
    if (covered && !covered.contains(e)) continue;
    judge(e, node.data.trim(), getComputedStyle(e), "the text");
  }
  for (const e of all("input, textarea, select")) {
    if (e.disabled || (covered && !covered.contains(e))) continue;
    const style = getComputedStyle(e);
    if (e.value && !["checkbox", "radio", "range", "color", "file"].includes(e.type)) judge(e, e.value, style, "what is written");
    if (e.placeholder && !e.value) judge(e, e.placeholder, getComputedStyle(e, "::placeholder"), "the placeholder");
    if (["checkbox", "radio", "range", "color", "file"].includes(e.type) || !e.parentElement) continue;
    const out = behind(e.parentElement), edge = over(colour(style.borderTopColor), out);
    if (contrast(edge, out) < 3 && contrast(behind(e), out) < 3) faults.push(`${where(e)}: its edge has a contrast of ${contrast(edge, out).toFixed(2)}`);
  }
  return faults;
})()
