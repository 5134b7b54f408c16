// What a reader has in hand is found again after the part of the page that it was in was replaced.

/**
 * Where an element stands, in words that hold after its part was replaced.
 * @typedef {{ id: string } | { tag: string, part: string | undefined, href: string | null, which: number, nth: number }} Place
 */

/**
 * Replaces a part; focus, open details, scrolled tables and the page's own place stay.
 * @param {HTMLElement} part
 * @param {HTMLElement} main
 * @param {() => void} replace
 */
export function keepPlace(part, main, replace) {
  const active = document.activeElement;
  const focus = active instanceof HTMLElement && part.contains(active) ? placeOf(active, part) : null;
  const open = [...part.querySelectorAll("details[open]")].map((one) => one.id);
  const scrolled = [...part.querySelectorAll(".scroll")].map((one) => ({ id: one.id, left: one.scrollLeft, top: one.scrollTop }));
  const left = scrollX;
  const top = scrollY;
  replace();
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  for (const one of scrolled) document.getElementById(one.id)?.scrollTo(one.left, one.top);
  if (focus) find(focus, main)?.focus({ preventScroll: true });
  scrollTo(left, top);
}

/**
 * Whether text of a part is selected: somebody is about to copy it.
 * @param {Element} part
 */
export function isSelected(part) {
  const selection = getSelection();
  return selection !== null && !selection.isCollapsed && selection.containsNode(part, true);
}

/**
 * @param {HTMLElement} element
 * @param {HTMLElement} part
 * @returns {Place}
 */
function placeOf(element, part) {
  if (element.id) return { id: element.id };
  const alike = [...part.querySelectorAll(element.tagName)];
  const href = element.getAttribute("href");
  const same = alike.filter((one) => one.getAttribute("href") === href);
  return { tag: element.tagName, part: part.dataset.part, href, which: same.indexOf(element), nth: alike.indexOf(element) };
}

/**
 * @param {Place} place
 * @param {HTMLElement} main
 * @returns {HTMLElement | null | undefined}
 */
function find(place, main) {
  if ("id" in place) return document.getElementById(place.id);
  const inside = (place.part && main.querySelector(`[data-part="${place.part}"]`)) || main;
  const alike = [.../** @type {NodeListOf<HTMLElement>} */ (inside.querySelectorAll(place.tag))];
  const same = alike.filter((one) => one.getAttribute("href") === place.href);
  return same[place.which] ?? same[0] ?? alike[place.nth];
}
