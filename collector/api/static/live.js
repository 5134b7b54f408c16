// Keeps a page up to date: fetches its fragment, which the server renders, and puts in place the parts that changed.
// Says when that stops working and how old what is shown has become. Does nothing while nobody looks.

const EVERY_MS = 4000;
const WAIT_MAX_MS = 30000;
const ANSWER_WITHIN_MS = 10000;
const LATE_MS = 15000;

const view = document.querySelector("main[data-fragment]");
if (view) {
  new Live(view).start();
}

function Live(main) {
  const bar = document.getElementById("live");
  const text = document.getElementById("live-text");
  const pause = document.getElementById("live-pause");
  const connection = document.getElementById("connection");
  let shownAt = performance.now();
  let failures = 0;
  let paused = false;
  let timer = 0;
  let asking = false;
  const known = new Map([...main.querySelectorAll("[data-part]")].map((part) => [part.dataset.part, part.outerHTML]));

  this.start = () => {
    bar.hidden = false;
    pause.addEventListener("click", () => setPaused(!paused));
    document.addEventListener("visibilitychange", () => (document.hidden ? clearTimeout(timer) : ask()));
    setInterval(tell, 1000);
    tell();
    later(EVERY_MS);
  };

  function setPaused(now) {
    paused = now;
    pause.setAttribute("aria-pressed", String(now));
    pause.textContent = now ? "Resume" : "Pause";
    clearTimeout(timer);
    tell();
    if (!now) ask();
  }

  function later(ms) {
    clearTimeout(timer);
    if (!paused && !document.hidden) timer = setTimeout(ask, ms);
  }

  async function ask() {
    if (asking || paused || document.hidden) return;
    asking = true;
    try {
      const answer = await fetch(main.dataset.fragment, { signal: AbortSignal.timeout(ANSWER_WITHIN_MS) });
      if (!answer.ok) throw new Error(`status ${answer.status}`);
      const html = await answer.text();
      // Whoever paused meanwhile wants to read what was there.
      if (!paused) {
        put(html);
        shownAt = performance.now();
      }
      failures = 0;
    } catch {
      failures += 1;
    }
    asking = false;
    tell();
    later(Math.min(EVERY_MS * 2 ** Math.min(failures, 6), WAIT_MAX_MS));
  }

  function put(html) {
    const template = document.createElement("template");
    template.innerHTML = html;
    const parts = [...template.content.querySelectorAll("[data-part]")];
    const here = [...main.querySelectorAll("[data-part]")].map((part) => part.dataset.part);
    if (parts.map((part) => part.dataset.part).join() !== here.join()) {
      // Other parts than before: the first events came, or the last outage went.
      keepPlace(main, () => main.replaceChildren(template.content));
      known.clear();
      for (const part of main.querySelectorAll("[data-part]")) known.set(part.dataset.part, part.outerHTML);
      return;
    }
    for (const part of parts) {
      const name = part.dataset.part;
      const old = main.querySelector(`[data-part="${name}"]`);
      if (known.get(name) === part.outerHTML || isSelected(old)) continue;
      known.set(name, part.outerHTML);
      keepPlace(old, () => old.replaceWith(part));
    }
  }

  // Text that somebody is about to copy stays.
  function isSelected(part) {
    const selection = getSelection();
    return selection && !selection.isCollapsed && selection.containsNode(part, true);
  }

  // Focus, open details and scrolled tables are found again after their part was replaced.
  function keepPlace(part, replace) {
    const focus = part.contains(document.activeElement) ? place(document.activeElement, part) : null;
    const open = [...part.querySelectorAll("details[open]")].map((one) => one.id);
    const scrolled = [...part.querySelectorAll(".scroll")].map((one) => [one.id, one.scrollLeft, one.scrollTop]);
    const at = [scrollX, scrollY];
    replace();
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    for (const [id, left, top] of scrolled) document.getElementById(id)?.scrollTo(left, top);
    if (focus) find(focus)?.focus({ preventScroll: true });
    scrollTo(...at);
  }

  function place(element, part) {
    if (element.id) return { id: element.id };
    const alike = [...part.querySelectorAll(element.tagName)];
    const href = element.getAttribute("href");
    const same = alike.filter((one) => one.getAttribute("href") === href);
    return { tag: element.tagName, part: part.dataset.part, href, which: same.indexOf(element), nth: alike.indexOf(element) };
  }

  function find({ id, tag, part, href, which, nth }) {
    if (id) return document.getElementById(id);
    const inside = (part && main.querySelector(`[data-part="${part}"]`)) || main;
    const alike = [...inside.querySelectorAll(tag)];
    const same = alike.filter((one) => one.getAttribute("href") === href);
    return same[which] ?? same[0] ?? alike[nth];
  }

  function tell() {
    const age = performance.now() - shownAt;
    const seconds = Math.round(age / 1000);
    const said = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
    const lost = failures > 1 || (failures > 0 && age > LATE_MS);
    bar.classList.toggle("late", lost);
    bar.classList.toggle("paused", paused);
    text.textContent = paused ? `Paused, ${said} old` : `Updated ${said} ago`;
    // Said once when it changes, not every second: it is read aloud.
    const words = lost && !paused ? "The connection to the collector is lost. What is shown here is getting old; trying again." : "";
    if (connection.textContent !== words) connection.textContent = words;
  }
}
