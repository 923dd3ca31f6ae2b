// What a page is asked once it has loaded: ask(document) returns the answers as data.
const shown = (element) => element.getClientRects().length > 0;
const seen = (element, frame) => {
  const box = element.getBoundingClientRect();
  return box.width > 0 && box.left >= 0 && box.right <= frame.clientWidth + 1;
};
const channels = (text) => text.match(/[\d.]+/g).map(Number);
const luminance = (color) => {
  const [r, g, b] = color.slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const ground = (element, view) => {
  for (let part = element; part; part = part.parentElement) {
    const color = channels(view.getComputedStyle(part).backgroundColor);
    if (color.length === 3 || color[3] === 1) return color;
  }
  return [255, 255, 255];
};
const contrasts = (page) => {
  const view = page.defaultView, found = [];
  const texts = page.createTreeWalker(page.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const element = texts.currentNode.parentElement;
    const text = texts.currentNode.data.trim();
    if (!text || !shown(element) || element.closest("script, style, svg")) continue;
    const ink = luminance(channels(view.getComputedStyle(element).color));
    const [dim, bright] = [ink, luminance(ground(element, view))].sort((a, b) => a - b);
    found.push([(bright + 0.05) / (dim + 0.05), element.outerHTML.slice(0, 80), text.slice(0, 40)]);
  }
  return found.sort((a, b) => a[0] - b[0]);
};
const dead = (page) => [...page.querySelectorAll('a[href^="#"]')]
  .map((link) => decodeURIComponent(link.getAttribute("href").slice(1)))
  .filter((name) => !page.getElementById(name));
const ask = (page) => {
  const root = page.documentElement, view = page.defaultView;
  const figures = [...page.querySelectorAll("figure svg")].filter(shown).length;
  const table = page.querySelector("table.results");
  const row = table ? [...table.querySelectorAll("tbody tr:not(.group)")][0] : null;
  const cells = row ? [...row.children] : [];
  page.querySelectorAll("details").forEach((list) => { list.open = true; });
  const all = contrasts(page);
  return {
    overflow: root.scrollWidth - root.clientWidth,
    figures,
    tables: page.querySelectorAll("table.results").length,
    texts: all.length,
    worst: all.slice(0, 3),
    dead: dead(page),
    ground: view.getComputedStyle(page.body).backgroundColor,
    named: cells.length > 0 && seen(cells[0], root),
    values: cells.slice(1).filter((cell) => /\d/.test(cell.textContent) && seen(cell, root)).length,
    smallest: table ? Math.min(...[...table.querySelectorAll("th, td, td *")].filter(shown)
      .map((e) => parseFloat(view.getComputedStyle(e).fontSize))) : 0,
    hidden: page.querySelectorAll("details:not([open])").length,
  };
};
