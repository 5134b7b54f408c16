// Keeps a page up to date: fetches its fragment, which the server renders, and puts in place the parts that changed.
// Asks when the feed says that something was stored; where there is no feed, every few seconds. Says when that stops
// working and how old what is shown has become. Does nothing while nobody looks.

import { Feed } from "./feed.js";
import { fragmentOf } from "./fragment.js";
import { isSelected, keepPlace } from "./keeping.js";
import { wait } from "./waiting.js";

/** Without a feed. */
const EVERY_MS = 4000;
/** With one: time goes by on a page also where nothing happens. */
const CALM_MS = 15000;
const WAIT_MAX_MS = 30000;
const LATE_MS = 15000;
/**
 * Between two answers at least, and at least so many times as long as an answer takes: many pages, one database. At most
 * CALM_MS: a machine that slept meanwhile thinks that an answer took hours.
 */
const GAP_MS = 500;
const GAP_ANSWERS = 4;

/** Sent to the document after parts of the page were replaced. */
export const REPLACED = "roomwatch:replaced";

/**
 * Shows another view of the same page: fetches that fragment now, paused or not.
 * @param {string} fragment
 */
export function showFragment(fragment) {
  document.dispatchEvent(new CustomEvent(SHOW, { detail: fragment }));
}

const SHOW = "roomwatch:show";

/** Begins where the page has what is fetched anew. */
export function keepUpToDate() {
  const main = document.querySelector("main[data-fragment]");
  if (main instanceof HTMLElement) new Live(main).start();
}

class Live {
  #bar = byId("live");
  #text = byId("live-text");
  #pause = byId("live-pause");
  #connection = byId("connection");
  #shownAt = performance.now();
  #answeredAt = -Infinity;
  #tookMs = 0;
  #failures = 0;
  #paused = false;
  #asking = false;
  #more = false;
  /**
   * Ends the wait of whoever resumed: only an answer that somebody asked for by hand is awaited visibly.
   * @type {() => void}
   */
  #there = () => {};
  /** @type {number | undefined} */
  #timer;
  #main;
  #known;
  #feed;

  /** @param {HTMLElement} main */
  constructor(main) {
    this.#main = main;
    this.#known = new Map(partsOf(main).map((part) => [part.dataset.part, part.outerHTML]));
    this.#feed = new Feed(
      () => this.#soon(),
      () => this.#later(),
    );
  }

  start() {
    this.#bar.hidden = false;
    this.#pause.addEventListener("click", () => this.#setPaused(!this.#paused));
    document.addEventListener("visibilitychange", () => this.#turn());
    // A page that is left lets go of its stream, also where the browser keeps it for the way back.
    addEventListener("pagehide", () => this.#feed.close());
    addEventListener("pageshow", () => this.#turn());
    document.addEventListener(SHOW, (event) => {
      if (event instanceof CustomEvent) this.#show(String(event.detail));
    });
    setInterval(() => this.#tell(), 1000);
    this.#tell();
  }

  get #looked() {
    return !this.#paused && !document.hidden;
  }

  #turn() {
    clearTimeout(this.#timer);
    if (this.#looked) {
      this.#feed.open();
      this.#later();
      if (performance.now() - this.#shownAt > EVERY_MS) this.#soon();
    } else {
      this.#feed.close();
    }
  }

  /** @param {boolean} now */
  #setPaused(now) {
    this.#paused = now;
    this.#pause.setAttribute("aria-pressed", String(now));
    this.#pause.textContent = now ? "Resume" : "Pause";
    this.#tell();
    this.#turn();
    this.#there();
    if (now) return;
    // Who resumes wants to see it now, however long answers take.
    this.#there = wait();
    this.#later(0);
  }

  #soon() {
    if (this.#asking) {
      this.#more = true;
      return;
    }
    const since = performance.now() - this.#answeredAt;
    const gap = Math.min(Math.max(GAP_MS, GAP_ANSWERS * this.#tookMs), CALM_MS);
    this.#later(Math.max(0, gap - since));
  }

  /** @param {number} [ms] */
  #later(ms) {
    clearTimeout(this.#timer);
    if (!this.#looked || this.#asking) return;
    const backing = Math.min(EVERY_MS * 2 ** Math.min(this.#failures, 6), WAIT_MAX_MS);
    this.#timer = setTimeout(() => this.#ask(), ms ?? (this.#feed.flows && !this.#failures ? CALM_MS : backing));
  }

  async #ask() {
    if (this.#asking || !this.#looked) return;
    this.#asking = true;
    this.#more = false;
    const askedAt = performance.now();
    const fragment = this.#main.dataset.fragment ?? "";
    try {
      const told = await fragmentOf(fragment);
      // Whoever paused meanwhile wants to read what was there; whoever turned to another view, that one.
      if (!this.#paused && this.#main.dataset.fragment === fragment) {
        this.#put(told);
        this.#shownAt = performance.now();
      }
      this.#failures = 0;
    } catch {
      this.#failures += 1;
    }
    this.#asking = false;
    this.#there();
    this.#answeredAt = performance.now();
    this.#tookMs = this.#answeredAt - askedAt;
    this.#tell();
    if (this.#more && !this.#failures) this.#soon();
    else this.#later();
  }

  /** @param {string} fragment */
  async #show(fragment) {
    this.#main.dataset.fragment = fragment;
    const there = wait();
    try {
      const told = await fragmentOf(fragment);
      // Somebody may have asked for yet another view meanwhile.
      if (this.#main.dataset.fragment === fragment) this.#put(told);
      there();
    } catch {
      location.reload();
    }
  }

  /** @param {HTMLElement} told */
  #put(told) {
    const main = this.#main;
    const parts = partsOf(told);
    if (namesOf(parts) !== namesOf(partsOf(main))) {
      // Other parts than before: the first events came, or the last outage went.
      keepPlace(main, main, () => main.replaceChildren(...told.childNodes));
      this.#known = new Map(partsOf(main).map((part) => [part.dataset.part, part.outerHTML]));
    } else {
      for (const part of parts) {
        const name = part.dataset.part;
        const old = main.querySelector(`[data-part="${name}"]`);
        if (!(old instanceof HTMLElement) || this.#known.get(name) === part.outerHTML || isSelected(old)) continue;
        this.#known.set(name, part.outerHTML);
        keepPlace(old, main, () => old.replaceWith(part));
      }
    }
    document.dispatchEvent(new Event(REPLACED));
  }

  #tell() {
    const age = performance.now() - this.#shownAt;
    const seconds = Math.round(age / 1000);
    const said = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
    const lost = this.#failures > 1 || (this.#failures > 0 && age > LATE_MS);
    this.#bar.classList.toggle("late", lost);
    this.#bar.classList.toggle("paused", this.#paused);
    this.#text.textContent = this.#paused ? `Paused, ${said} old` : `Updated ${said} ago`;
    // Said once when it changes, not every second: it is read aloud.
    const words = lost && !this.#paused ? "The connection to the collector is lost. What is shown here is getting old; trying again." : "";
    if (this.#connection.textContent !== words) this.#connection.textContent = words;
  }
}

/** @param {string} id */
function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/** @param {ParentNode} where */
function partsOf(where) {
  return [.../** @type {NodeListOf<HTMLElement>} */ (where.querySelectorAll("[data-part]"))];
}

/** @param {HTMLElement[]} parts */
function namesOf(parts) {
  return parts.map((part) => part.dataset.part).join();
}
