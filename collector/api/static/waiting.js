// Says that an answer is awaited: aria-busy on what it will replace, and by that the bar of page.css, which waits a
// moment itself: what is answered at once shows nothing. A new page, which the browser fetches, is awaited like a part.

/** @type {Set<object>} */
const waits = new Set();

/**
 * An answer is awaited.
 * @returns {() => void} to be called when it is there
 */
export function wait() {
  const one = {};
  waits.add(one);
  tell();
  return () => {
    waits.delete(one);
    tell();
  };
}

/** Links and forms that lead to another page make it awaited. */
export function tellOfNavigation() {
  // On the window: what a module of the page follows by itself it has prevented by then.
  addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a[href]") : null;
    if (event.defaultPrevented || event.button || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    if (link && leadsAway(link)) wait();
  });
  addEventListener("submit", (event) => {
    if (!event.defaultPrevented) wait();
  });
  // Back out of the browser's own cache, or stopped: nothing is awaited any more.
  addEventListener("pageshow", forget);
  addEventListener("keydown", (event) => {
    if (event.key === "Escape") forget();
  });
}

/** @param {Element} link an anchor, of HTML or of a drawing */
function leadsAway(link) {
  const to = new URL(link.getAttribute("href") ?? "", location.href);
  const elsewhere = to.origin !== location.origin || link.hasAttribute("download") || link.hasAttribute("target");
  return !elsewhere && (to.pathname !== location.pathname || to.search !== location.search || !to.hash);
}

function forget() {
  waits.clear();
  tell();
}

function tell() {
  const view = document.getElementById("view");
  if (waits.size) view?.setAttribute("aria-busy", "true");
  else view?.removeAttribute("aria-busy");
}
