// Times in the viewer's zone, with UTC when one points at them. The server writes UTC and says so; this rewrites
//   <time datetime="2026-11-24T16:16:32.640Z">16:16:32</time>   and   <text data-at="…">16:16</text>   by their form,
//   <title data-times="… …">connected 16:16:32 to 16:17:02</title>   each time of it, in order,
// and whatever has data-zone, which names the zone. A field <input type="datetime-local" data-moment="…Z"> shows its moment
// in that zone too, and what is typed there is sent as the moment that it means.

import { REPLACED } from "./live.js";

const ZONE = Intl.DateTimeFormat().resolvedOptions().timeZone;
const MINUTE_MS = 60000;
const IN_TEXT = /(?:\d\d [A-Z][a-z]{2} )?\d\d:\d\d(?::\d\d)?/g;

/** @type {Intl.DateTimeFormatOptions} */
const TIME = { hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
/** @type {Intl.DateTimeFormatOptions} */
const DAY = { day: "2-digit", month: "short" };
const CLOCK = new Intl.DateTimeFormat("en-GB", { ...TIME, second: "2-digit" });
const MINUTE = new Intl.DateTimeFormat("en-GB", TIME);
const DATE = new Intl.DateTimeFormat("en-GB", DAY);
const NAME = new Intl.DateTimeFormat("en-GB", { timeZoneName: "short" });

/** Rewrites the page, and again what is replaced on it. */
export function showViewersZone() {
  rewrite();
  document.addEventListener(REPLACED, rewrite);
  for (const one of /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("input[data-moment]"))) takeLocal(one);
}

/** @param {HTMLInputElement} field */
function takeLocal(field) {
  const at = new Date(field.dataset.moment ?? "");
  // What a field of this type takes is written as UTC would be, and read by the viewer's clocks.
  field.value = new Date(at.getTime() - at.getTimezoneOffset() * MINUTE_MS).toISOString().slice(0, field.value.length);
  field.form?.addEventListener("formdata", (event) => {
    const typed = new Date(field.value);
    if (!Number.isNaN(typed.getTime())) event.formData.set(field.name, typed.toISOString());
  });
}

function rewrite() {
  for (const one of document.querySelectorAll("time[datetime]:not([data-utc])")) localise(one, one.getAttribute("datetime"));
  for (const one of document.querySelectorAll("[data-at]:not([data-utc]):not([data-part])")) localise(one, one.getAttribute("data-at"));
  for (const one of document.querySelectorAll("[data-times]:not([data-utc])")) {
    const times = (one.getAttribute("data-times") ?? "").split(" ").map((told) => new Date(told));
    const said = (one.textContent ?? "").trim();
    const there = (said.match(IN_TEXT) ?? []).slice(0, times.length);
    one.setAttribute("data-utc", "");
    const here = said.replace(IN_TEXT, (time) => (times.length ? like(time, times.shift()) : time));
    one.textContent = here === said ? said : `${here}\n${there.join(" to ")} UTC`;
  }
  for (const one of document.querySelectorAll("[data-zone]")) {
    const full = one.getAttribute("data-zone") === "full";
    const words = full ? `Times are in your zone, ${zoneInWords()}. Point at one for UTC.` : nameOf(new Date());
    if (one.textContent !== words) one.textContent = words;
  }
}

/**
 * @param {Element} element
 * @param {string | null} told
 */
function localise(element, told) {
  const at = new Date(told ?? "");
  if (Number.isNaN(at.getTime())) return;
  const utc = `${at.toISOString().slice(0, 23).replace("T", " ").replace(/\.000$/, "")} UTC`;
  element.setAttribute("data-utc", utc);
  element.textContent = like((element.textContent ?? "").trim(), at);
  if (element instanceof HTMLElement) element.title = utc;
  else explain(element, utc);
}

/**
 * Says the same of a text of a drawing: there a title is an element, beside the text so that it is no part of it.
 * @param {Element} text
 * @param {string} utc
 */
function explain(text, utc) {
  const both = document.createElementNS(text.namespaceURI, "g");
  const title = document.createElementNS(text.namespaceURI, "title");
  title.textContent = utc;
  text.replaceWith(both);
  both.append(title, text);
}

/**
 * The same moment in the viewer's zone, in the form in which the server wrote it.
 * @param {string} said
 * @param {Date | undefined} at
 */
function like(said, at) {
  if (!at || Number.isNaN(at.getTime())) return said;
  if (/^\d\d:\d\d$/.test(said)) return MINUTE.format(at);
  if (/^\d\d:\d\d:\d\d$/.test(said)) return CLOCK.format(at);
  // ICU writes "Sept" where everybody else writes "Sep".
  const date = DATE.format(at).replace("Sept", "Sep");
  return /^\d\d \w+$/.test(said) ? date : `${date} ${/:\d\d:/.test(said) ? CLOCK.format(at) : MINUTE.format(at)}`;
}

function zoneInWords() {
  const short = nameOf(new Date());
  return short === ZONE ? ZONE : `${ZONE.replaceAll("_", " ")} (${short})`;
}

/** @param {Date} at */
function nameOf(at) {
  return NAME.formatToParts(at).find((part) => part.type === "timeZoneName")?.value ?? ZONE;
}
