/* Icons: strokes in a square of 24, in the colour of the text. icon("pause") is an <svg> that screen readers pass over. */
const paths = {
  live: "M5 12a7 7 0 0 1 2-5M2 12a10 10 0 0 1 3-7M19 12a7 7 0 0 0-2-5M22 12a10 10 0 0 0-3-7M12 9.5a2.5 2.5 0 1 1 0 5a2.5 2.5 0 0 1 0-5M9 21l3-6.5l3 6.5",
  studio: "M3 12h2l2-5l3 10l3-14l3 16l2-7h3",
  voices: "M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3M5.5 11a6.5 6.5 0 0 0 13 0M12 17.5V21M8.5 21h7",
  insight: "M4 4v16h16M8 15v2M12 10v7M16 13v4M20 6v11",
  settings: "M4 7h9M17 7h3M4 17h3M11 17h9M15 4.8a2.2 2.2 0 1 1 0 4.4a2.2 2.2 0 0 1 0-4.4M9 14.8a2.2 2.2 0 1 1 0 4.4a2.2 2.2 0 0 1 0-4.4",
  pause: "M8 5v14M16 5v14",
  play: "M7 4.5l12 7.5l-12 7.5z",
  skip: "M5 5l10 7l-10 7zM19 5v14",
  stop: "M6 6h12v12H6z",
  panic: "M8 2.5h8l5.5 5.5v8L16 21.5H8L2.5 16V8zM12 7.5v5.5M12 16.5v.01",
  clear: "M4 7h16M9 7V4h6v3M6.5 7l1 13h9l1-13M10 11v5M14 11v5",
  replay: "M4 12a8 8 0 1 0 2.5-5.8L4 8.5M4 4v4.5h4.5",
  sound: "M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM15.5 9a4 4 0 0 1 0 6M18 6.5a8 8 0 0 1 0 11",
  mute: "M4 9.5v5h3.5L12 18.5v-13L7.5 9.5zM16 9.5l5 5M21 9.5l-5 5",
  plus: "M12 5v14M5 12h14",
  close: "M6 6l12 12M18 6L6 18",
  check: "M5 12.5l4.5 4.5L19 7",
  warning: "M12 4L2.5 20h19zM12 10v4.5M12 17.3v.01",
  info: "M12 3a9 9 0 1 1 0 18a9 9 0 0 1 0-18M12 11v5.5M12 7.5v.01",
  down: "M6 9l6 6l6-6",
  grip: "M9 6v.01M15 6v.01M9 12v.01M15 12v.01M9 18v.01M15 18v.01",
  user: "M12 4a4 4 0 1 1 0 8a4 4 0 0 1 0-8M4.5 20.5c.6-4 3.6-6 7.5-6s6.9 2 7.5 6",
  user_mute: "M10 4a4 4 0 1 1 0 8a4 4 0 0 1 0-8M3 20.5c.6-4 3.2-6 7-6c1.5 0 2.8.3 4 .9M16.5 16.5l4.5 4.5M21 16.5l-4.5 4.5",
  sun: "M12 8a4 4 0 1 1 0 8a4 4 0 0 1 0-8M12 2.5v2M12 19.5v2M2.5 12h2M19.5 12h2M5.3 5.3l1.4 1.4M17.3 17.3l1.4 1.4M5.3 18.7l1.4-1.4M17.3 6.7l1.4-1.4",
  moon: "M20 14.5A8.5 8.5 0 0 1 9.5 4A8.5 8.5 0 1 0 20 14.5z",
  system: "M4 5h16v11H4zM9 20h6M12 16v4",
  language: "M3.5 6h9M8 4v2M11 6c-1 4-4 7-7 8.5M5.5 9c1.5 2.5 3.5 4.3 6 5.5M12.5 20l4-10l4 10M14 16.5h5",
  keyboard: "M3 6.5h18v11H3zM7 10.5v.01M11 10.5v.01M15 10.5v.01M18 10.5v.01M8 14h8",
  download: "M12 4v11M7 10.5l5 5l5-5M4.5 20h15",
  upload: "M12 16V5M7 9.5l5-5l5 5M4.5 20h15",
  copy: "M9 9h11v11H9zM5 15H4V4h11v1",
  link: "M10 14a4 4 0 0 0 6 .5l3-3a4 4 0 0 0-5.7-5.7l-1.5 1.5M14 10a4 4 0 0 0-6-.5l-3 3a4 4 0 0 0 5.7 5.7l1.5-1.5",
  chat: "M4 5h16v11H9.5L5 20v-4H4z",
  queue: "M4 6h11M4 12h11M4 18h7M19 9v9M16 15.5l3 3l3-3",
  edit: "M4 20l1-4.5L16 4.5l3.5 3.5L8.5 19zM13.5 7l3.5 3.5",
  search: "M10.5 4a6.5 6.5 0 1 1 0 13a6.5 6.5 0 0 1 0-13M15.5 15.5l5 5",
  record: "M12 6a6 6 0 1 1 0 12a6 6 0 0 1 0-12",
};

const SVG = "http://www.w3.org/2000/svg";

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  path.setAttribute("d", paths[name]);
  svg.append(path);
  return svg;
}
