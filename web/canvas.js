/* A canvas that is always sharp: drawn anew when its size, the screen's density or the theme changes. */
import * as prefs from "./prefs.js";

/* draw(context, width, height, scale) in pixels of the screen; `scale` of them are one of CSS. The colour of ink is the
 * element's `color`, a second one its `caret-color`: inksOf. Gives a function that has it drawn with the next frame. */
export function keepDrawn(canvas, draw, signal) {
  let frame = 0;
  const paint = () => {
    frame = 0;
    const scale = devicePixelRatio || 1;
    const width = Math.round(canvas.clientWidth * scale), height = Math.round(canvas.clientHeight * scale);
    if (!width || !height) return;
    if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, width, height);
    draw(context, width, height, scale);
  };
  const soon = () => {
    if (!signal.aborted) frame ||= requestAnimationFrame(paint);
  };
  const size = new ResizeObserver(soon);
  size.observe(canvas);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  dark.addEventListener("change", soon, { signal });
  prefs.watch("theme", () => setTimeout(soon), signal);
  signal.addEventListener("abort", () => {
    size.disconnect();
    cancelAnimationFrame(frame);
  });
  soon();
  return soon;
}

export function inksOf(canvas) {
  const { color, caretColor } = getComputedStyle(canvas);
  return [color, caretColor];
}
