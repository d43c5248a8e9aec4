// Draws the charts of a page from their tables, with uPlot.

const PLOTS = [
  {
    title: "Deliveries per second",
    series: [
      ["accepted", 1],
      ["settled", 2],
    ],
    format: formatRate,
    isLog: false,
  },
  {
    title: "Receipt → state",
    series: [
      ["p50", 3],
      ["p99", 4],
    ],
    format: formatMs,
    isLog: true,
  },
];

const HEIGHT = 150;

function formatRate(rate) {
  return rate === null ? "–" : String(Number(rate.toPrecision(3)));
}

const UNITS = [
  ["d", 86_400_000],
  ["h", 3_600_000],
  ["min", 60_000],
  ["s", 1_000],
];

function formatMs(ms) {
  if (ms === null) return "–";
  const [unit, size] = UNITS.find(([, size]) => ms >= size) ?? ["ms", 1];
  return `${Math.round((10 * ms) / size) / 10} ${unit}`;
}

/** @param {number} seconds since 1970 */
function formatTime(seconds) {
  const date = new Date(seconds * 1_000);
  const local = date.toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });
  return `${date.toISOString().slice(11, 16)}Z (${local} here)`;
}

/** Returns the columns of a table: times, then a column for each of its cells. */
function readColumns(table) {
  const { start, step } = table.dataset;
  const rows = [...table.tBodies[0].rows];
  const columns = [rows.map((_, n) => Number(start) + n * Number(step))];
  for (const n of [1, 2, 3, 4])
    columns.push(
      rows.map((row) => {
        const value = Number(row.cells[n].textContent);
        return Number.isNaN(value) ? null : value;
      }),
    );
  return columns;
}

/** Returns a token's colour as it is in the page's light or dark scheme. */
function colorOf(element, token) {
  element.style.color = `var(--${token})`;
  const { color } = getComputedStyle(element);
  element.style.color = "";
  return color;
}

/** Returns the powers of ten around these milliseconds. */
function toPowers(_, least, most) {
  const power = (ms) => Math.log10(Math.max(ms ?? 1, 1));
  return [10 ** Math.floor(power(least) - 0.3), 10 ** Math.ceil(power(most) + 0.1)];
}

/** Five labels at most, as there is no room for more. */
function keepPowers(_, values) {
  const isPower = (value) => Number.isInteger(Math.log10(value));
  const every = Math.ceil(values.filter(isPower).length / 5);
  return values.map((value) => (isPower(value) && Math.log10(value) % every === 0 ? value : null));
}

/** Returns what a legend says while nobody points at a time: the last that is known. */
function lastOf(values) {
  return values.findLast((value) => value !== null) ?? null;
}

const plots = [];

function draw(table) {
  const box = table.closest(".chart").querySelector(".plots");
  const columns = readColumns(table);
  const [first, second, muted, line] = ["accent", "warn", "muted", "line"].map((name) => colorOf(box, name));
  const axis = { stroke: muted, ticks: { show: false }, font: "11px system-ui" };
  const grid = { stroke: line, width: 1 };
  for (const { title, series, format, isLog } of PLOTS) {
    const width = Math.max(200, Math.floor(box.clientWidth / (box.clientWidth > 700 ? 2 : 1)) - 8);
    const labelled = isLog ? { filter: keepPowers } : {};
    const plot = new uPlot(
      {
        title,
        width,
        height: HEIGHT,
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), "Etc/UTC"),
        scales: {
          y: isLog
            ? { distr: 3, range: toPowers }
            : { range: (_, __, most) => [0, Math.max(most * 1.1, 0.1)] },
        },
        cursor: { drag: { x: false, y: false } },
        axes: [
          {
            ...axis,
            grid,
            size: 28,
            values: (_, times) => times.map((time) => new Date(time * 1_000).toISOString().slice(11, 16)),
          },
          {
            ...axis,
            grid: { ...grid, ...labelled },
            ...labelled,
            size: 56,
            values: (_, values) => values.map((value) => (value === null ? "" : format(value))),
          },
        ],
        series: [
          { label: "UTC", value: (plot, time) => formatTime(time ?? plot.data[0].at(-1)) },
          ...series.map(([label], n) => ({
            label,
            stroke: n === 0 ? first : second,
            width: 2,
            dash: n === 0 ? undefined : [6, 4],
            points: { show: false },
            value: (plot, value, column, index) => format(index === null ? lastOf(plot.data[column]) : value),
          })),
        ],
      },
      [columns[0], ...series.map(([, column]) => columns[column])],
      box,
    );
    plots.push(plot);
  }
}

function drawAll() {
  for (const plot of plots.splice(0)) plot.destroy();
  for (const table of document.querySelectorAll("table[data-chart]"))
    if (!table.closest("details").hidden) draw(table);
}

const part = document.querySelector('[data-live="charts"]');
new MutationObserver(drawAll).observe(part, { childList: true });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
let width = part.clientWidth;
new ResizeObserver(() => {
  if (part.clientWidth === width) return;
  width = part.clientWidth;
  drawAll();
}).observe(part);
drawAll();
