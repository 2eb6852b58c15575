#!/usr/bin/env python3
"""Draws the boards as pictures, from what a Prometheus answers.

    render.py --prometheus http://127.0.0.1:9090 --out docs/pictures [--minutes 5] [BOARD ...]

The queries are those of boards.py, evaluated over the last minutes with every variable at "all". It is not Grafana
that draws them, which cannot be had from the package registries that this project builds from: Grafana shows the
same data in its own style. Needs matplotlib, which nothing else here needs.
"""

import argparse
import json
import math
import time
import urllib.parse
import urllib.request
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter, MaxNLocator
from PIL import Image

from boards import BOARDS, placed

BACKGROUND, PANEL, TEXT, QUIET, GRID = "#0b0c0e", "#1c1f25", "#d8d9da", "#8e8f94", "#343943"
COLOURS = ["#73bf69", "#5794f2", "#f2cc0c", "#ff9830", "#b877d9", "#f2495c", "#8ab8ff", "#37872d", "#fade2a", "#ca95e5"]
CELL = (0.78, 0.36)  # inches of one column and one row of Grafana's grid
LEGEND_MAX = 6
ALL = {"$instance": ".*", "$topic": ".*", "$group": ".*", "$load": ".*"}


def shown(value, unit):
    """A value as a board shows it."""
    if value is None or not math.isfinite(value):
        return "–"
    if unit == "s":
        for size, name in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"), (1e-3, "ms"), (1e-6, "µs")):
            if abs(value) >= size:
                return f"{value / size:.3g} {name}"
        return "0 s"
    if unit == "percentunit":
        return f"{value * 100:.3g} %"
    if unit in ("bytes", "Bps"):
        for power, name in ((3, "GiB"), (2, "MiB"), (1, "KiB")):
            if abs(value) >= 1024**power:
                return f"{value / 1024**power:.3g} {name}" + ("/s" if unit == "Bps" else "")
        return f"{value:.0f} B" + ("/s" if unit == "Bps" else "")
    behind = {"cps": "/s", "reqps": " req/s", "cpm": "/min"}.get(unit, "")
    for size, name in ((1e9, "G"), (1e6, "M"), (1e4, "k")):
        if abs(value) >= size:
            return f"{value / (1e3 if name == 'k' else size):.3g} {name}{behind}"
    return f"{value:.4g}{behind}"


class Source:
    """A Prometheus, asked for a stretch of time."""

    def __init__(self, address, minutes):
        self.address = address
        self.end = time.time()
        self.start = self.end - minutes * 60
        self.step = max(1, int(minutes * 60 / 240))

    def series(self, query):
        """[(legend, times, values)] of one query."""
        expression = query["expr"].replace("$__rate_interval", f"{max(10, 4 * self.step)}s")
        for name, value in ALL.items():
            expression = expression.replace(name, value)
        parameters = {"query": expression, "start": self.start, "end": self.end, "step": self.step}
        url = f"{self.address}/api/v1/query_range?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=30) as answer:
            rows = json.load(answer)["data"]["result"]
        for row in rows:
            legend = query["legend"]
            for name, value in row["metric"].items():
                legend = legend.replace(f"{{{{{name}}}}}", value)
            times = [at - self.end for at, _ in row["values"]]
            yield legend, times, [float(value) for _, value in row["values"]]


def draw_stat(axes, panel, rows):
    axes.set_axis_off()
    values = [value for _, _, series in rows for value in series[-1:]]
    value = values[0] if values else None
    axes.text(0.5, 0.56, shown(value, panel["unit"]), color=COLOURS[0], fontsize=17, ha="center", va="center",
              transform=axes.transAxes)
    if rows:
        history = axes.inset_axes([0.0, 0.0, 1.0, 0.32])
        history.set_axis_off()
        history.plot(rows[0][1], rows[0][2], color=COLOURS[0], linewidth=0.8, alpha=0.7)
        history.set_ylim(bottom=0)


def draw_chart(axes, panel, rows, minutes):
    axes.set_facecolor(PANEL)
    axes.tick_params(colors=QUIET, labelsize=6.5, length=0)
    axes.grid(color=GRID, linewidth=0.5)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xlim(-minutes * 60, 0)
    axes.set_xticks([-minutes * 60 * part / 4 for part in (4, 3, 2, 1, 0)])
    axes.xaxis.set_major_formatter(FuncFormatter(lambda at, _: f"{at / 60:.3g} min" if at else "now"))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set_axisbelow(True)
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: shown(value, panel["unit"])))
    rows = sorted(rows, key=lambda row: -max((v for v in row[2] if math.isfinite(v)), default=0))
    if not rows:
        axes.text(0.5, 0.5, "no data", color=QUIET, fontsize=8, ha="center", transform=axes.transAxes)
        return
    if panel["stack"]:
        times = sorted({at for _, row, _ in rows for at in row})
        by_time = [dict(zip(row, values)) for _, row, values in rows]
        heights = [[known.get(at, 0.0) for at in times] for known in by_time]
        heights = [[v if math.isfinite(v) else 0.0 for v in row] for row in heights]
        axes.stackplot(times, heights, colors=[COLOURS[n % len(COLOURS)] for n in range(len(rows))], alpha=0.75,
                       labels=[legend for legend, _, _ in rows], linewidth=0)
    else:
        for number, (legend, times, values) in enumerate(rows):
            axes.plot(times, values, color=COLOURS[number % len(COLOURS)], linewidth=1.1, label=legend)
    if not panel["title"].startswith("Growth"):
        axes.set_ylim(bottom=0)
    handles, labels = axes.get_legend_handles_labels()
    if any(labels):
        axes.legend(handles[:LEGEND_MAX], [label[:34] for label in labels[:LEGEND_MAX]], loc="upper left",
                    bbox_to_anchor=(-0.02, -0.1), ncols=3, fontsize=6, frameon=False, labelcolor=TEXT,
                    handlelength=1.2, columnspacing=1.0)


def draw(board, source, minutes, path):
    places = [panel["gridPos"] for panel in placed(board["panels"])]
    rows = max(place["y"] + place["h"] for place in places)
    width, height = 24 * CELL[0] * 0.68, rows * CELL[1] + 0.5
    figure = plt.figure(figsize=(width, height), facecolor=BACKGROUND)
    figure.text(0.012, 1 - 0.22 / height, board["title"], color=TEXT, fontsize=12, va="center", weight="bold")
    figure.text(0.988, 1 - 0.22 / height, f"the last {minutes:g} minutes", color=QUIET, fontsize=8, va="center", ha="right")
    top = 0.45 / height
    for panel, place in zip(board["panels"], places):
        x, w = place["x"] / 24, place["w"] / 24
        h = place["h"] / rows * (1 - top)
        y = 1 - top - (place["y"] + place["h"]) / rows * (1 - top)
        gap_x, gap_y = 0.004, 0.05 / height
        figure.add_artist(plt.Rectangle((x + gap_x, y + gap_y), w - 2 * gap_x, h - 2 * gap_y, color=PANEL,
                                        transform=figure.transFigure, zorder=-1))
        figure.text(x + gap_x + 0.006, y + h - gap_y - 0.15 / height, panel["title"], color=TEXT, fontsize=7.5, va="center")
        found = [row for query in panel["queries"] for row in source.series(query)]
        if panel["kind"] == "stat":
            axes = figure.add_axes([x + 0.012, y + gap_y + 0.02 / height, w - 0.024, h - 0.42 / height])
            draw_stat(axes, panel, found)
        else:
            axes = figure.add_axes([x + 0.048, y + 0.62 / height, w - 0.062, h - 1.0 / height])
            draw_chart(axes, panel, found, minutes)
    figure.savefig(path, dpi=88, facecolor=BACKGROUND)
    plt.close(figure)
    # Few colours are enough, and a third of the size.
    Image.open(path).convert("RGB").quantize(256).save(path, optimize=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prometheus", default="http://127.0.0.1:9090")
    parser.add_argument("--out", type=Path, default=Path("docs/pictures"))
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("boards", nargs="*", help="names of boards; all of them if none")
    options = parser.parse_args()
    source = Source(options.prometheus, options.minutes)
    options.out.mkdir(parents=True, exist_ok=True)
    for board in BOARDS:
        if not options.boards or board["name"] in options.boards:
            path = options.out / f"board-{board['name']}.png"
            draw(board, source, options.minutes, path)
            print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
