// The window on a room's timeline: links of the server's own, followed without leaving the page; a stretch that is dragged
// over the lanes; and keys while the lanes have the focus. What is seen is in the address.

import { REPLACED, showFragment } from "./live.js";

/** A shorter drag is a click. */
const DRAG_PX = 6;

/** Begins where there are lanes. */
export function makeTimelineZoomable() {
  if (!document.getElementById("lanes")) return;
  const tell = () => {
    for (const one of document.querySelectorAll(".with-scripts")) one.removeAttribute("hidden");
  };
  tell();
  document.addEventListener(REPLACED, tell);
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[data-step]") : null;
    if (!(link instanceof HTMLAnchorElement) || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    visit(new URL(link.href).search);
  });
  document.addEventListener("keydown", (event) => {
    if (document.activeElement?.id !== "lanes" || event.ctrlKey || event.metaKey || event.altKey) return;
    const key = event.key === "=" ? "+" : event.key;
    const link = document.querySelector(`a[data-step="${CSS.escape(key)}"]`);
    if (!(link instanceof HTMLAnchorElement)) return;
    event.preventDefault();
    visit(new URL(link.href).search);
  });
  addEventListener("popstate", () => showFragment(fragmentOf(location.search)));
  document.addEventListener("pointerdown", begin);
}

/** @param {string} search */
function visit(search) {
  history.pushState(null, "", location.pathname + search);
  showFragment(fragmentOf(search));
}

/** @param {string} search */
function fragmentOf(search) {
  return `/fragments${location.pathname}${search}`;
}

/** @param {PointerEvent} down */
function begin(down) {
  const lanes = document.getElementById("lanes");
  const plot = down.target instanceof Element ? down.target.closest("#lanes svg") : null;
  // A finger scrolls the page; it has the buttons.
  if (!lanes || !plot || down.button || down.pointerType === "touch") return;
  const box = plot.getBoundingClientRect();
  const around = lanes.getBoundingClientRect();
  const brush = document.createElement("div");
  brush.className = "brush";
  lanes.append(brush);
  lanes.focus({ preventScroll: true });
  down.preventDefault();
  let [left, right] = [down.clientX, down.clientX];
  /** @param {PointerEvent} at */
  const move = (at) => {
    const x = Math.min(Math.max(at.clientX, box.left), box.right);
    [left, right] = [Math.min(down.clientX, x), Math.max(down.clientX, x)];
    brush.style.left = `${left - around.left}px`;
    brush.style.width = `${right - left}px`;
  };
  const end = () => {
    brush.remove();
    removeEventListener("pointermove", move);
    removeEventListener("pointerup", done);
    removeEventListener("pointercancel", end);
  };
  const done = () => {
    end();
    if (right - left < DRAG_PX) return;
    const [since, until] = [Date.parse(lanes.dataset.since ?? ""), Date.parse(lanes.dataset.until ?? "")];
    /** @param {number} x */
    const at = (x) => new Date(since + ((until - since) * (x - box.left)) / box.width).toISOString();
    visit(`?from=${at(left)}&to=${at(right)}`);
  };
  addEventListener("pointermove", move);
  addEventListener("pointerup", done);
  addEventListener("pointercancel", end);
}
