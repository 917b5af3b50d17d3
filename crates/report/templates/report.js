(() => {
"use strict";
const at = id => document.getElementById(id);
const make = (name, className, text) => {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
};
const data = JSON.parse(at("data").textContent);
const words = data.words;
const edges = data.edges;
const placed = edges.from.length > 0;

// Tables: a filter above those that ask for one, and headings that sort.
// A heading that is a button is not repeated on the next printed page: on paper it is plain text.
const heads = [];
addEventListener("beforeprint", () => { for (const [head, button] of heads) head.replaceChildren(button.textContent); });
addEventListener("afterprint", () => { for (const [head, button] of heads) head.replaceChildren(button); });
const order = new Intl.Collator(words.language, { numeric: true });
for (const table of document.querySelectorAll("table.data")) {
  const body = table.tBodies[0];
  [...table.tHead.rows[0].cells].forEach((head, column) => {
    const button = make("button", "", head.textContent);
    button.type = "button";
    head.replaceChildren(button);
    heads.push([head, button]);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending";
      for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const rows = [...body.rows].map(row => [row.cells[column].textContent, row]);
      rows.sort((a, b) => order.compare(a[0], b[0]) * (down ? -1 : 1));
      body.append(...rows.map(row => row[1]));
    });
  });
  if (!table.classList.contains("filterable") || body.rows.length < 8) continue;
  const input = make("input");
  input.type = "search";
  input.placeholder = words.filter;
  input.setAttribute("aria-label", words.filter);
  const box = make("p", "filter");
  box.append(input);
  table.parentElement.before(box);
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    for (const row of body.rows) row.hidden = !row.textContent.toLowerCase().includes(wanted);
  });
}

const map = at("map");
if (!map) return;
const stage = at("stage");
const panel = at("panel");
const nodes = [...map.querySelectorAll("[data-n]")];
const lines = [...map.querySelectorAll("path[data-a]")];
at("tools").hidden = false;
at("hint").hidden = false;
stage.classList.add("live");

// Two pictures: one at a time, chosen by radio buttons. Without this script both are shown.
const waves = at("waves-drawing");
const choose = () => {
  const byWaves = at("view").querySelector("input[value=waves]").checked;
  at("drawing").hidden = byWaves;
  waves.hidden = !byWaves;
  at("tools").hidden = byWaves;
  at("hint").hidden = byWaves;
  at("map-lead").hidden = byWaves;
  at("waves-lead").hidden = !byWaves;
  if (!byWaves) fit();
};

// Moving and scaling: only the view box changes, every box keeps its place.
const width = Number(map.getAttribute("width"));
let height = Number(map.dataset.height);
let view = { x: 0, y: 0, w: width, h: height };
const show = () => map.setAttribute("viewBox", [view.x, view.y, view.w, view.h].map(n => n.toFixed(1)).join(" "));
const fit = () => {
  const across = map.parentElement.clientWidth || width;
  const natural = Math.min((stage.clientWidth || width) / width, 1);
  const high = Math.max(Math.min(height * natural, Math.max(innerHeight * 0.78, 460)), panel.hidden ? 240 : 440);
  map.style.height = high + "px";
  const scale = Math.min(across / width, high / height, 1);
  const w = across / scale;
  const h = high / scale;
  view = { x: (width - w) / 2, y: 0, w, h };
  show();
};
// Brings one box into view, large enough to be read.
const near = node => {
  const place = node >= 0 && nodes[node].getAttribute("transform").match(/-?\d+/g).map(Number);
  const scale = map.clientWidth / view.w;
  if (!place || scale >= 0.7) return;
  const w = map.clientWidth / 0.75, h = map.clientHeight / 0.75;
  const inside = (wanted, size, all) => size >= all ? Math.min((all - size) / 2, 0) : Math.min(Math.max(wanted, 0), all - size);
  view = { x: inside(place[0] + 88 - w / 2, w, width), y: inside(place[1] + 23 - h / 2, h, height), w, h };
  show();
};
const zoom = (factor, px = 0.5, py = 0.5) => {
  const w = Math.min(Math.max(view.w * factor, 320), width * 4);
  const real = w / view.w;
  view = { x: view.x + view.w * (1 - real) * px, y: view.y + view.h * (1 - real) * py, w, h: view.h * real };
  show();
};
fit();
if (waves) {
  at("view").hidden = false;
  at("view").addEventListener("change", choose);
  choose();
}
let marked = -1;
addEventListener("resize", () => { fit(); near(marked); });
addEventListener("beforeprint", () => { view = { x: 0, y: 0, w: width, h: height }; map.style.height = "auto"; show(); });
addEventListener("afterprint", fit);
at("closer").addEventListener("click", () => zoom(0.75));
at("further").addEventListener("click", () => zoom(1 / 0.75));
at("fit").addEventListener("click", fit);
map.addEventListener("wheel", event => {
  if (!event.ctrlKey && !event.metaKey) return;
  event.preventDefault();
  const box = map.getBoundingClientRect();
  zoom(Math.exp(event.deltaY * 0.0022), (event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height);
}, { passive: false });
let grip = null;
map.addEventListener("pointerdown", event => { if (event.button === 0) grip = { x: event.clientX, y: event.clientY, moved: false, id: event.pointerId }; });
map.addEventListener("pointermove", event => {
  if (!grip) return;
  const dx = event.clientX - grip.x, dy = event.clientY - grip.y;
  if (!grip.moved && Math.hypot(dx, dy) < 5) return;
  if (!grip.moved) { grip.moved = true; map.setPointerCapture(grip.id); map.classList.add("moving"); }
  const unit = view.w / map.clientWidth;
  view.x -= dx * unit;
  view.y -= dy * unit;
  grip.x = event.clientX;
  grip.y = event.clientY;
  show();
});
const drop = event => {
  const moved = grip && grip.moved;
  grip = null;
  map.classList.remove("moving");
  if (moved || event.type !== "pointerup") return;
  const node = event.target.closest("[data-n]");
  if (node) go({ node: Number(node.dataset.n) });
  else close();
};
map.addEventListener("pointerup", drop);
map.addEventListener("pointercancel", drop);
map.addEventListener("keydown", event => {
  const node = event.target.closest("[data-n]");
  if (node && (event.key === "Enter" || event.key === " ")) { event.preventDefault(); go({ node: Number(node.dataset.n) }); }
  else if (event.key === "+") zoom(0.75);
  else if (event.key === "-") zoom(1 / 0.75);
  else if (event.key === "0") fit();
});
at("show-shared").addEventListener("change", event => {
  map.classList.toggle("with-shared", event.target.checked);
  at("legend-shared").hidden = !event.target.checked;
  height = Number(event.target.checked ? map.dataset.full : map.dataset.height);
  fit();
});
at("hidden-only").addEventListener("change", event => map.classList.toggle("hidden-only", event.target.checked));

// Marking: what is picked, what touches it.
const mark = node => {
  marked = node;
  for (const element of nodes) element.classList.remove("on", "near");
  map.classList.toggle("picked", node >= 0);
  const around = new Set();
  for (const line of lines) {
    const a = Number(line.dataset.a), b = Number(line.dataset.b);
    const touches = a === node || b === node;
    line.classList.toggle("on", touches);
    if (touches) { around.add(a); around.add(b); }
  }
  for (const element of nodes) {
    const n = Number(element.dataset.n);
    if (n === node) element.classList.add("on");
    else if (around.has(n)) element.classList.add("near");
  }
};

// The panel: who needs it and why, what it needs, what it stands for.
const end = (side, i) => placed ? edges[side === "provider" ? "to" : "from"][i] : data.entities[edges[side][i]][5];
const gather = (picked, side) => {
  const list = [];
  const total = edges.kind.length;
  for (let i = 0; i < total; i++) {
    const other = side === "provider" ? "consumer" : "provider";
    const here = picked.entity !== undefined ? edges[side][i] === picked.entity : end(side, i) === picked.node;
    const inside = picked.entity !== undefined ? edges[other][i] === picked.entity : end(other, i) === picked.node;
    if (here && !inside) list.push(i);
  }
  return list;
};
const isPart = node => data.nodes[node][0].includes("/") && !data.nodes[node][0].startsWith("group/");
const line = (i, side) => {
  const item = make("li", "line");
  const entity = edges[side][i];
  const node = placed ? edges[side === "consumer" ? "from" : "to"][i] : -1;
  const opened = node >= 0 && isPart(node);
  const button = make("button", "", opened ? data.nodes[node][1] : data.entities[entity][1]);
  button.type = "button";
  button.addEventListener("click", () => go(node >= 0 && data.nodes[node][4] === 1 ? { node } : { entity }));
  item.append(button);
  const part = data.components[edges.component[i]];
  const port = edges.port[i] ? " :" + edges.port[i] : "";
  item.append(make("div", "via", part + " → " + data.kinds[edges.kind[i]] + port));
  const told = data.told[i];
  if (told && told.reasons.length) {
    const chips = make("div", "chips");
    for (const reason of told.reasons) chips.append(make("span", "chip hidden", reason));
    item.append(chips);
  }
  const why = make("details");
  why.append(make("summary", "", words.panel_why));
  const list = make("ul");
  for (const text of told ? [...told.because, ...told.facts] : [words.panel_cut]) list.append(make("li", "", text));
  why.append(list);
  item.append(why);
  return item;
};
const block = (title, list, side, none) => {
  panel.append(make("h4", "", title + " (" + list.length + ")"));
  if (!list.length) { panel.append(make("p", "cut", none)); return; }
  const shown = make("ul");
  panel.append(shown);
  let next = 0;
  const more = make("button", "chip");
  more.type = "button";
  const add = () => {
    for (const i of list.slice(next, next + 40)) shown.append(line(i, side));
    next += 40;
    more.textContent = words.panel_more.replace("{0}", String(list.length - next));
    more.hidden = next >= list.length;
  };
  more.addEventListener("click", add);
  add();
  panel.append(more);
};
const members = node => {
  const list = [];
  data.entities.forEach((entity, i) => { if (entity[5] === node) list.push(i); });
  return list;
};
const open = picked => {
  const single = picked.entity !== undefined ? picked.entity : -1;
  const inside = single >= 0 ? [single] : members(picked.node);
  const node = single >= 0 ? data.entities[single][5] : picked.node;
  panel.replaceChildren();
  const closer = make("button", "close", "×");
  closer.type = "button";
  closer.setAttribute("aria-label", words.panel_close);
  closer.addEventListener("click", close);
  panel.append(closer);
  const own = data.nodes[node];
  const part = single < 0 && isPart(node);
  const alone = !part && inside.length === 1 ? data.entities[inside[0]] : null;
  const heading = alone ? alone[1] : own ? own[1] : words.panel;
  const title = make("h3", "", heading);
  title.id = "panel-title";
  panel.append(title);
  const about = alone ? [alone[2], alone[4], alone[3]] : own ? [own[2]] : [];
  panel.append(make("p", "about", about.filter(Boolean).join(" · ")));
  const risky = part ? [] : data.risks.filter(risk => inside.includes(risk[0]));
  if (risky.length && inside.length === 1) {
    panel.append(make("h4", "", words.panel_risks + " (" + risky.length + ")"));
    const list = make("ul");
    for (const risk of risky.slice(0, 8)) {
      const item = make("li", "line");
      item.append(make("span", "chip " + risk[1], risk[1]), " " + risk[2]);
      list.append(item);
    }
    panel.append(list);
  }
  block(words.panel_needed_by, gather(picked, "provider"), "consumer", words.panel_nobody);
  block(words.panel_needs, gather(picked, "consumer"), "provider", words.panel_nothing);
  if (!part && inside.length > 1) {
    panel.append(make("h4", "", words.panel_members + " (" + inside.length + ")"));
    const list = make("ul");
    for (const i of inside.slice(0, 200)) {
      const item = make("li", "line");
      const button = make("button", "", data.entities[i][1]);
      button.type = "button";
      button.addEventListener("click", () => go({ entity: i }));
      item.append(button, make("div", "via", [data.entities[i][3], data.entities[i][4]].filter(Boolean).join(" · ")));
      list.append(item);
    }
    panel.append(list);
    if (inside.length > 200) panel.append(make("p", "cut", words.panel_more.replace("{0}", String(inside.length - 200))));
  }
  const wasClosed = panel.hidden;
  panel.hidden = false;
  panel.scrollTop = 0;
  stage.classList.add("open");
  if (wasClosed) fit();
  mark(node);
  near(node);
};
const close = () => {
  if (panel.hidden) return;
  panel.hidden = true;
  stage.classList.remove("open");
  fit();
  mark(-1);
  history.replaceState(null, "", location.pathname + location.search);
};
const go = picked => {
  const key = picked.entity !== undefined ? data.entities[picked.entity][0] : data.nodes[picked.node][0];
  history.replaceState(null, "", "#entity=" + encodeURIComponent(key));
  open(picked);
};
const follow = () => {
  if (!location.hash.startsWith("#entity=")) return;
  let key;
  try { key = decodeURIComponent(location.hash.slice(8)); } catch { return; }
  const node = data.nodes.findIndex(node => node[0] === key);
  const entity = data.entities.findIndex(entity => entity[0] === key);
  if (node >= 0) open({ node });
  else if (entity >= 0) open({ entity });
  else return;
  at("map-section").scrollIntoView();
};
addEventListener("hashchange", follow);
document.addEventListener("keydown", event => { if (event.key === "Escape") close(); });

// Finding: names, addresses, ids, and the boxes of programs.
const found = at("found");
const input = at("find");
const search = () => {
  const wanted = input.value.trim().toLowerCase();
  found.replaceChildren();
  found.hidden = !wanted;
  if (!wanted) return;
  const hits = [];
  for (let n = 0; n < data.nodes.length && hits.length < 12; n++)
    if ((data.nodes[n][1] + " " + data.nodes[n][2]).toLowerCase().includes(wanted)) hits.push([data.nodes[n][1], data.nodes[n][3], { node: n }]);
  for (let i = 0; i < data.entities.length && hits.length < 12; i++) {
    const entity = data.entities[i];
    if (data.nodes[entity[5]] && data.nodes[entity[5]][0] === entity[0]) { if (!entity[3].includes(wanted)) continue; }
    if ((entity[1] + " " + entity[3] + " " + entity[0]).toLowerCase().includes(wanted)) hits.push([entity[1], entity[3], { entity: i }]);
  }
  for (const [name, note, target] of hits) {
    const item = make("li");
    const button = make("button");
    button.type = "button";
    button.append(make("span", "", name), make("span", "muted", note));
    button.addEventListener("click", () => { found.hidden = true; go(target); });
    item.append(button);
    found.append(item);
  }
  if (!hits.length) found.append(make("li", "none", words.panel_no_match));
};
input.addEventListener("input", search);
input.addEventListener("keydown", event => {
  if (event.key === "Enter") { const first = found.querySelector("button"); if (first) first.click(); }
  else if (event.key === "Escape") found.hidden = true;
});
follow();
})();
