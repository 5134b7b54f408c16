// Counts that lead nowhere, as "place: text"; `unlinked` are the beginnings of those that need not.
(unlinked) => {
  const told = "main :is(td, dd, h1, .sub, .evidence li, .legend b, .completeness p, [data-part=whom] p)";
  // No counts: shares, durations, codes, which are five digits without a space, and names that hold digits.
  const others = /[0-9.\u202f]+ (%|ms|s|min|h|hours|days?)(?![a-z])|\b[1-9]\d{4}\b|\S*[a-z_.-]\d\S*|\d+[.:-]\d\S*/gi;
  const found = new Set();
  const place = (one) => {
    const table = one.closest("table");
    const head = table?.tHead.rows[0].cells[one.cellIndex]?.innerText;
    return `${one.closest("[data-part]")?.dataset.part ?? "page"}, ${head || one.className || one.localName}`;
  };
  for (const one of document.querySelectorAll(told)) {
    const walker = document.createTreeWalker(one, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const { parentElement, data } = walker.currentNode;
      if (parentElement.closest("a, time, code, svg, .unseen") || parentElement.closest(told) !== one) continue;
      const counts = data.replace(others, "").match(/(?<![\d\u202f])[0-9][0-9\u202f]*/g) ?? [];
      if (counts.some((count) => count !== "0")) found.add(`${place(one)}: ${data.trim().replace(/\s+/g, " ")}`);
    }
  }
  return [...found].filter((words) => !unlinked.some((begin) => words.startsWith(begin)));
}
