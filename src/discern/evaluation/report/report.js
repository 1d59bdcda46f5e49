"use strict";
const store = JSON.parse(document.getElementById("store").textContent);
const dialog = document.getElementById("cell");
const buttons = new Map([...document.querySelectorAll("button[data-cell]")].map((button) => [button.dataset.cell, button]));
const side = document.querySelectorAll("table.confusion th[scope=row]").length;
const steps = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

// Both ends of a file name tell most; a line below a thumbnail holds so many characters.
function shorten(name, length = 18) {
  const tail = Math.floor((length - 1) / 2);
  return name.length > length ? `${name.slice(0, length - 1 - tail)}…${name.slice(-tail)}` : name;
}

function createFigure(image) {
  const [name, words, source] = store.images[image];
  const element = document.createElement("figure");
  const caption = document.createElement("figcaption");
  const small = document.createElement("span");
  const address = source || document.querySelector(`img[data-image="${image}"]`)?.src;
  if (address) {
    const picture = new Image();
    picture.alt = name;
    picture.src = address;
    element.append(picture);
  }
  small.className = "soft";
  small.title = name;
  small.textContent = shorten(name);
  caption.append(words, small);
  element.append(caption);
  return element;
}

function openCell(button) {
  dialog.querySelector("h3").textContent = button.getAttribute("aria-label");
  dialog.querySelector("p").textContent = button.dataset.note;
  dialog.querySelector(".images").replaceChildren(...store.cells[button.dataset.cell].map(createFigure));
  dialog.showModal();
}

// The next cell with images in a direction, or none.
function findNext(cell, [down, right]) {
  let [row, column] = cell.split(",").map(Number);
  do {
    row += down;
    column += right;
    const button = buttons.get(`${row},${column}`);
    if (button) return button;
  } while (row >= 0 && row < side && column >= 0 && column < side);
  return null;
}

function makeReachable(button) {
  for (const other of buttons.values()) other.tabIndex = other === button ? 0 : -1;
}

for (const [cell, button] of buttons) {
  button.addEventListener("click", () => openCell(button));
  button.addEventListener("focus", () => makeReachable(button));
  button.addEventListener("keydown", (event) => {
    const next = event.key in steps && findNext(cell, steps[event.key]);
    if (!next) return;
    event.preventDefault();
    next.focus();
  });
}
if (buttons.size) makeReachable([...buttons.values()][0]);
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});
