// Buttons that copy a text which the server makes: <button data-copy="/rooms/RM…/text" hidden>Copy as text</button>.
// Without scripts the link beside such a button shows the same text.

import { REPLACED } from "./live.js";
import { wait } from "./waiting.js";

const SAID_MS = 2500;

/** Shows the buttons, and heeds them. */
export function offerCopies() {
  const show = () => {
    for (const one of document.querySelectorAll("button[data-copy]")) one.removeAttribute("hidden");
  };
  show();
  document.addEventListener(REPLACED, show);
  document.addEventListener("click", (event) => {
    const button = event.target instanceof Element ? event.target.closest("button[data-copy]") : null;
    if (button instanceof HTMLButtonElement) void copy(button);
  });
}

/** @param {HTMLButtonElement} button */
async function copy(button) {
  const words = button.dataset.words ?? button.textContent ?? "";
  button.dataset.words = words;
  let said = "Copied";
  const there = wait();
  try {
    const answer = await fetch(button.dataset.copy ?? "", { headers: { Accept: "text/plain" } });
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    await put(await answer.text());
  } catch {
    said = "Could not copy";
  }
  there();
  button.textContent = said;
  const told = document.getElementById("copied");
  if (told) told.textContent = said;
  setTimeout(() => {
    button.textContent = words;
    if (told) told.textContent = "";
  }, SAID_MS);
}

/** @param {string} text */
async function put(text) {
  if (navigator.clipboard) {
    await navigator.clipboard.writeText(text);
    return;
  }
  // Over plain HTTP from another machine browsers have no clipboard but this way.
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "unseen";
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  if (!done) throw new Error("the browser would not copy");
}
