import { BarChart, LineChart } from "echarts/charts";
import { GridComponent, LegendComponent, TitleComponent } from "echarts/components";
import { init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { formatNumber, type Table } from "./result.ts";
import { median } from "./statistics.ts";

use([BarChart, LineChart, GridComponent, LegendComponent, TitleComponent, SVGRenderer]);

const WIDTH = 860;
const BAR = 22;
const LINES_HEIGHT = 360;
/** Bars whose greatest is so many times the least have a logarithmic axis. */
const WIDE = 100;
// Without a browser, texts are taken for narrower than they are drawn.
const LEGEND = { top: 38, left: 10, itemGap: 40 };
const MARGIN = { top: 70, right: 90, bottom: 30, left: 330 };

/** Returns the medians of a table's figure as an SVG of bars: one for each first key, grouped by the further ones. */
export function plotBars({ title, keys, rows }: Table, figure: string): string {
  const names = [...new Set(rows.map((row) => row.keys[0] ?? ""))];
  const groups = Map.groupBy(rows, (row) => row.keys.slice(1).join(", "));
  const medians = rows.map((row) => median(row.figures[figure] ?? [])).filter((value) => value > 0);
  const least = Math.min(...medians);
  const isWide = Math.max(...medians) > WIDE * least;
  // All bars begin there; else those below 1 would go to the left.
  const start = 10 ** Math.floor(Math.log10(least));
  const height = MARGIN.top + MARGIN.bottom + names.length * (groups.size * BAR + BAR);
  return render(height, {
    title: { text: `${subjectOf(title)}: ${figure}`, left: 10, top: 10, textStyle: { fontSize: 15 } },
    legend: groups.size > 1 ? LEGEND : undefined,
    grid: MARGIN,
    xAxis: isWide ? { type: "log", min: start, startValue: start, name: "log" } : { type: "value" },
    yAxis: { type: "category", data: names, inverse: true, axisLabel: { width: 250, overflow: "break" } },
    series: [...groups].map(([group, own]) => ({
      type: "bar",
      name: keys.length === 2 ? `${keys[1]}: ${group}` : group,
      data: names.map((name) => {
        const values = own.find((row) => row.keys[0] === name)?.figures[figure] ?? [];
        return median(values);
      }),
      label: {
        show: true,
        position: "right",
        formatter: ({ value }: { value: unknown }) => formatNumber(Number(value)),
      },
    })),
  });
}

/** Returns the medians of some of a table's figures as an SVG of lines, from the first row to the last. */
export function plotLines({ title, keys, rows }: Table, figures: readonly string[]): string {
  return render(LINES_HEIGHT, {
    title: { text: subjectOf(title), left: 10, top: 10, textStyle: { fontSize: 15 } },
    legend: LEGEND,
    grid: { ...MARGIN, right: 30, bottom: 50, left: 70 },
    xAxis: {
      type: "category",
      name: keys[0],
      nameLocation: "middle",
      nameGap: 30,
      data: rows.map((row) => row.keys[0] ?? ""),
    },
    yAxis: { type: "value" },
    series: figures.map((figure) => ({
      type: "line",
      name: figure,
      symbolSize: 5,
      data: rows.map((row) => median(row.figures[figure] ?? [])),
    })),
  });
}

/** What comes after a semicolon is about figures that are not in the plot. */
function subjectOf(title: string): string {
  return title.split(";")[0] ?? title;
}

function render(height: number, option: object): string {
  const chart = init(null, null, { renderer: "svg", ssr: true, width: WIDTH, height });
  chart.setOption({ animation: false, backgroundColor: "#fff", ...option });
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}
