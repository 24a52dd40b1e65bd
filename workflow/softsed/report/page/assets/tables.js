"use strict";
// Tables that sort by any column. Cells that begin with a number sort by this number, all other cells by the alphabet.

function sortKey(row, column) {
  const text = row.cells[column].textContent.trim();
  const number = parseFloat(text.replace("−", "-"));
  return Number.isNaN(number) ? (text.length > 1 ? text : null) : number;
}

function compare(a, b) {
  if (typeof a === typeof b) return typeof a === "number" ? a - b : a.localeCompare(b, undefined, { numeric: true });
  return typeof a === "number" ? -1 : 1;
}

/** Sort the rows of a table; empty cells stay last in both orders. */
function sortTable(table, column) {
  const heading = table.tHead.rows[0].cells[column];
  const turned = heading.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  heading.setAttribute("aria-sort", turned === 1 ? "ascending" : "descending");
  const keyed = [...table.tBodies[0].rows].map((row) => [sortKey(row, column), row]);
  keyed.sort(([a], [b]) => (a === null || b === null ? (a === null) - (b === null) : turned * compare(a, b)));
  table.tBodies[0].append(...keyed.map(([, row]) => row));
}

for (const table of document.querySelectorAll("table.sortable"))
  [...table.tHead.rows[0].cells].forEach((heading, column) => {
    const button = element("button", { type: "button", title: heading.title }, ...heading.childNodes);
    button.addEventListener("click", () => sortTable(table, column));
    heading.append(button);
  });

// A cell has the meaning of its column on hover.
document.addEventListener("mouseover", ({ target }) => {
  const cell = target.closest("td"), table = cell?.closest("table");
  if (table?.tHead && !cell.title) cell.title = table.tHead.rows[0].cells[cell.cellIndex]?.title ?? "";
});
