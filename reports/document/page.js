"use strict";
// A click, Enter or Space on a heading sorts up, then down, then as it was. Indented rows stay under their own row.
for (const table of document.querySelectorAll("table")) {
  const body = table.tBodies[0];
  const heads = Array.from(table.tHead.rows[table.tHead.rows.length - 1].cells);
  const groups = [];
  for (const row of body.rows) {
    if (row.classList.contains("under") && groups.length) groups[groups.length - 1].push(row);
    else groups.push([row]);
  }
  const key = (group, at) => {
    const cell = group[0].cells[at];
    if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
    const text = cell.firstChild && cell.firstChild.nodeType === Node.TEXT_NODE ? cell.firstChild.data.trim() : "";
    return /^[-+]?(\d[\d,]*\.?\d*|\.\d+)$/.test(text) ? Number(text.replaceAll(",", "")) : text;
  };
  // Numbers before words, and nothing always last.
  const rank = (value) => (typeof value === "number" && !Number.isNaN(value) ? 0 : value === "" || value === "·" ? 2 : 1);
  const compare = (a, b, up) =>
    rank(a) !== rank(b) ? rank(a) - rank(b)
      : (up ? 1 : -1) * (rank(a) === 0 ? a - b : String(a).localeCompare(String(b), "en", { numeric: true }));
  const sort = (at) => {
    const before = heads[at].getAttribute("aria-sort");
    const next = before === null ? "ascending" : before === "ascending" ? "descending" : null;
    const order = next === null ? groups
      : [...groups].sort((a, b) => compare(key(a, at), key(b, at), next === "ascending"));
    body.append(...order.flat());
    for (const head of heads) head.removeAttribute("aria-sort");
    if (next !== null) heads[at].setAttribute("aria-sort", next);
  };
  heads.forEach((head, at) => {
    if (head.tagName !== "TH") return;
    head.tabIndex = 0;
    head.title = "sort";
    head.addEventListener("click", () => sort(at));
    head.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); sort(at); }
    });
  });
}
