"use strict";
for (const table of document.querySelectorAll("table")) {
  const heads = table.tHead.rows[table.tHead.rows.length - 1].cells;
  const key = (row, at) => {
    const cell = row.cells[at];
    if (cell.dataset.value !== undefined) return Number(cell.dataset.value);
    const text = cell.firstChild ? cell.firstChild.textContent.trim() : "";
    const number = Number(text.replace(/^(-?)\./, "$10."));
    return text !== "" && !Number.isNaN(number) ? number : text;
  };
  const compare = (a, b) =>
    typeof a === "number" && typeof b === "number" ? a - b
      : typeof a === "number" ? -1 : typeof b === "number" ? 1 : a.localeCompare(b);
  const sort = (at) => {
    const up = heads[at].getAttribute("aria-sort") !== "ascending";
    const rows = Array.from(table.tBodies[0].rows);
    rows.sort((a, b) => (up ? 1 : -1) * compare(key(a, at), key(b, at)));
    table.tBodies[0].append(...rows);
    for (const head of heads) head.removeAttribute("aria-sort");
    heads[at].setAttribute("aria-sort", up ? "ascending" : "descending");
  };
  Array.from(heads).forEach((head, at) => {
    head.tabIndex = 0;
    head.title = "sort";
    head.addEventListener("click", () => sort(at));
    head.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === " ") { event.preventDefault(); sort(at); }
    });
  });
}
