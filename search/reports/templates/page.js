"use strict";
(() => {
  // ---- figures: drawn one after another, redrawn when the screen turns dark or is printed ----
  const source = document.getElementById("figures");
  const specification = source ? JSON.parse(source.textContent) : { figures: {} };
  const darkness = matchMedia("(prefers-color-scheme: dark)");
  const touch = matchMedia("(pointer: coarse)").matches;
  const PRINTED = 680; // pixels: the width of a printed page

  const swapped = (value, table) => {
    if (typeof value === "string") return Object.hasOwn(table, value) ? table[value] : value;
    if (Array.isArray(value)) return typeof value[0] === "number" ? value : value.map((v) => swapped(v, table));
    if (value === null || typeof value !== "object") return value;
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, swapped(item, table)]));
  };

  const GLYPHS = {
    circle: "●", "circle-open": "○", "triangle-down-open": "▽", x: "✖", "square-x-open": "☒",
    "square-open": "□", star: "★", diamond: "◆", "hexagon-open": "⬡", line: "━", dash: "╍", bar: "■", hatched: "▨",
  };
  const ENTITIES = { "&lt;": "<", "&gt;": ">", "&amp;": "&" }; // as plotly's labels have them
  const unescaped = (text) => text.replace(/&(?:lt|gt|amp);/g, (entity) => ENTITIES[entity]);
  const glyphOf = (trace) => {
    if (trace.type === "bar") {
      const pattern = trace.marker.pattern;
      return pattern && pattern.shape ? ["hatched", pattern.fgcolor] : ["bar", trace.marker.color];
    }
    if ((trace.mode || "").startsWith("lines")) return [trace.line.dash === "dash" ? "dash" : "line", trace.line.color];
    return [trace.marker.symbol, trace.marker.color];
  };
  const addLegend = (plot, data) => {
    const list = document.querySelector(`[data-legend="${plot.dataset.figure}"]`);
    const named = data.filter((trace) => trace.name && trace.showlegend !== false);
    if (!list || named.length < 2 || specification.figures[plot.dataset.figure].layout.showlegend === false) return;
    list.replaceChildren(...[...named].sort((one, two) => (one.legendrank ?? 99) - (two.legendrank ?? 99)).map((trace) => {
      const [symbol, colour] = glyphOf(trace);
      const glyph = Object.assign(document.createElement("span"), { className: "glyph", textContent: GLYPHS[symbol] || "●" });
      glyph.style.color = colour;
      glyph.setAttribute("aria-hidden", "true");
      const button = Object.assign(document.createElement("button"), { type: "button" });
      button.append(glyph, unescaped(trace.name));
      button.setAttribute("aria-pressed", trace.visible === "legendonly" ? "false" : "true");
      button.addEventListener("click", () => {
        const show = button.getAttribute("aria-pressed") === "false";
        button.setAttribute("aria-pressed", String(show));
        const same = plot.data.flatMap((other, i) =>
          (other.name === trace.name || (trace.legendgroup && other.legendgroup === trace.legendgroup)) ? [i] : []);
        Plotly.restyle(plot, { visible: show ? true : "legendonly" }, same);
      });
      const item = document.createElement("li");
      item.append(button);
      return item;
    }));
  };

  const draw = (plot, { dark, width }) => {
    const figure = specification.figures[plot.dataset.figure];
    const table = dark ? specification.dark : {};
    const layout = swapped({ ...figure.layout, template: specification.template }, table);
    if (touch) layout.dragmode = false; // a finger scrolls the page
    layout.showlegend = false; // buttons of our own, which a keyboard reaches
    if (width) layout.width = Math.min(width, plot.clientWidth || width);
    const data = swapped(figure.data, table);
    const shown = plot.data || [];
    data.forEach((trace, i) => { if (shown[i] && shown[i].visible) trace.visible = shown[i].visible; });
    addLegend(plot, data);
    return Plotly.react(plot, data, layout, {
      responsive: true,
      displayModeBar: false, // it offers to send the chart to a server, and crowds the tab order
    });
  };

  const plots = [...document.querySelectorAll("[data-figure]")];
  const drawAll = (options) => plots.forEach((plot) => draw(plot, options));
  const queue = [...plots];
  const next = () => {
    const plot = queue.shift();
    if (!plot) { document.documentElement.dataset.drawn = "all"; return; }
    draw(plot, { dark: darkness.matches });
    setTimeout(next, 0); // between two figures the page answers
  };
  next();
  darkness.addEventListener("change", () => drawAll({ dark: darkness.matches }));
  addEventListener("beforeprint", () => drawAll({ dark: false, width: PRINTED }));
  addEventListener("afterprint", () => drawAll({ dark: darkness.matches }));

  // ---- tables: sorted by the buttons in their heads; what is absent always comes last ----
  const keyOf = (row, column) => {
    const cell = row.cells[column];
    const text = cell.dataset.value ?? cell.textContent.trim();
    if (text === "") return null;
    const number = Number(text);
    return Number.isNaN(number) ? text.toLowerCase() : number;
  };
  const compare = (one, two) => {
    if (typeof one === typeof two) return one < two ? -1 : one > two ? 1 : 0;
    return typeof one === "number" ? -1 : 1;
  };
  const sort = (head, descending) => {
    const table = head.closest("table");
    const body = table.tBodies[0];
    const sign = descending ? -1 : 1;
    const keyed = [...body.rows].filter((row) => !row.dataset.of).map((row) => [keyOf(row, head.cellIndex), row]);
    keyed.sort(([one], [two]) => {
      if (one === null || two === null) return (one === null) - (two === null);
      return sign * compare(one, two);
    });
    const folds = (row) => (row.dataset.fold ? [row, document.getElementById(row.dataset.fold)] : [row]);
    body.append(...keyed.flatMap(([, row]) => folds(row))); // what folds out of a row stays under it
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", descending ? "descending" : "ascending");
    const status = document.getElementById(table.dataset.status);
    if (status) status.textContent = `sorted by ${head.textContent.trim()}, ${descending ? "descending" : "ascending"}`;
  };
  for (const button of document.querySelectorAll("[data-sort]")) {
    const head = button.closest("th");
    button.addEventListener("click", () => sort(head, head.getAttribute("aria-sort") === "ascending"));
  }

  // ---- rows that fold out: all open where there is no script ----
  const folding = [...document.querySelectorAll("[data-toggle]")].map((button) => {
    const part = document.getElementById(button.dataset.toggle);
    const show = (open) => {
      part.hidden = !open;
      button.setAttribute("aria-expanded", String(open));
    };
    button.setAttribute("aria-controls", part.id);
    button.addEventListener("click", () => show(part.hidden));
    show(false);
    return show;
  });
  for (const button of document.querySelectorAll("[data-toggle-all]")) {
    button.addEventListener("click", () => {
      const open = button.getAttribute("aria-expanded") !== "true";
      folding.forEach((show) => show(open));
      button.setAttribute("aria-expanded", String(open));
      button.textContent = open ? "Fold all rows" : "Unfold all rows";
    });
  }

  for (const input of document.querySelectorAll("[data-filter]")) {
    const table = document.getElementById(input.dataset.filter);
    const count = document.getElementById(`${input.dataset.filter}-count`);
    input.addEventListener("input", () => {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let kept = 0;
      for (const row of table.tBodies[0].rows) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every((word) => text.includes(word));
        kept += !row.hidden;
      }
      count.textContent = `${kept} shown`;
    });
  }

  for (const button of document.querySelectorAll("[data-copy]")) {
    button.addEventListener("click", async () => {
      const block = document.getElementById(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(block.textContent);
        button.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(block); // then the reader's own shortcut copies it
        button.textContent = "Selected";
      }
    });
  }
})();
