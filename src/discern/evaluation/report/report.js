"use strict";
const store = JSON.parse(document.getElementById("store").textContent);
const dialog = document.getElementById("cell");
const buttons = new Map([...document.querySelectorAll("button[data-cell]")].map((button) => [button.dataset.cell, button]));
const side = document.querySelectorAll("table.confusion th[scope=row]").length;
const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

function figure(row) {
  const [name, said, source] = store.pictures[row];
  const made = document.createElement("figure");
  const caption = document.createElement("figcaption");
  const small = document.createElement("span");
  const shown = source || document.querySelector(`img[data-row="${row}"]`)?.src;
  if (shown) {
    const image = new Image();
    image.alt = name;
    image.src = shown;
    made.append(image);
  }
  small.className = "soft";
  small.textContent = name;
  caption.append(said, small);
  made.append(caption);
  return made;
}

function open(button) {
  dialog.querySelector("h3").textContent = button.getAttribute("aria-label");
  dialog.querySelector("p").textContent = button.dataset.note;
  dialog.querySelector(".pictures").replaceChildren(...store.cells[button.dataset.cell].map(figure));
  dialog.showModal();
}

// The next cell with pictures in a direction, or none.
function beside(cell, [down, right]) {
  let [row, column] = cell.split(",").map(Number);
  do {
    row += down;
    column += right;
    const found = buttons.get(`${row},${column}`);
    if (found) return found;
  } while (row >= 0 && row < side && column >= 0 && column < side);
  return null;
}

function reach(button) {
  for (const other of buttons.values()) other.tabIndex = other === button ? 0 : -1;
}

for (const [cell, button] of buttons) {
  button.addEventListener("click", () => open(button));
  button.addEventListener("focus", () => reach(button));
  button.addEventListener("keydown", (event) => {
    const next = event.key in steps && beside(cell, steps[event.key]);
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
}
if (buttons.size) reach([...buttons.values()][0]);
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});
