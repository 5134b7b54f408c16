// The box at the top: "/" goes to it, and what is asked there is understood in the zone of who asks.

/** Begins where there is a box. */
export function listenForSearch() {
  const box = document.getElementById("q");
  if (!(box instanceof HTMLInputElement)) return;
  for (const field of document.querySelectorAll("input[name=zone]")) {
    if (field instanceof HTMLInputElement) {
      field.value = Intl.DateTimeFormat().resolvedOptions().timeZone;
      field.disabled = false;
    }
  }
  for (const one of document.querySelectorAll(".search .with-scripts")) one.removeAttribute("hidden");
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.ctrlKey && !event.metaKey && !event.altKey && !isTyping(event.target)) {
      event.preventDefault();
      box.focus();
      box.select();
    }
    if (event.key === "Escape" && event.target === box) box.blur();
  });
}

/** @param {EventTarget | null} target */
function isTyping(target) {
  return target instanceof HTMLElement && (target.isContentEditable || /^(?:INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}
