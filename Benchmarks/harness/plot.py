# SPDX-License-Identifier: Apache-2.0
"""Bars as SVG, without a library: one file for each scenario."""

from xml.sax.saxutils import escape

from measure import participants
from report import FIGURES

WIDTH, LEFT, RIGHT, BAR, GAP, TOP = 760, 150, 110, 20, 8, 54
COLOURS = {"ours": "#c2410c", "limit": "#a3a3a3", "other": "#3f6fa3"}


def write_all(folder, selection, peers, edges, results):
    """Writes a plot for each scenario that has samples; returns how many."""
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    for scenario in selection:
        bars = [(peer, results.values(scenario, peer, scenario.figure)) for peer in participants(scenario, peers, edges)]
        bars = [(peer, sorted(values)) for peer, values in bars if values]
        if bars:
            (folder / f"{scenario.name}.svg").write_text(_plot(scenario, bars), encoding="utf-8")
            count += 1
    return count


def _colour(peer):
    return COLOURS["ours" if peer.is_ours else "limit" if getattr(peer, "is_limit", False) else "other"]


def _plot(scenario, bars):
    heading, decimals, more_is_better = FIGURES[scenario.figure]
    middle = {peer.name: values[len(values) // 2] for peer, values in bars}
    bars = sorted(bars, key=lambda bar: middle[bar[0].name], reverse=more_is_better)
    scale = (WIDTH - LEFT - RIGHT) / max(values[-1] for _, values in bars)
    height = TOP + len(bars) * (BAR + GAP) + 12
    direction = "more is better" if more_is_better else "less is better"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" font-family="sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
        f'<text x="12" y="22" font-size="15" font-weight="bold">{escape(scenario.title)}</text>',
        f'<text x="12" y="41" fill="#555">{escape(heading)}, {direction}; the line spans the rounds</text>',
    ]
    for index, (peer, values) in enumerate(bars):
        y = TOP + index * (BAR + GAP)
        value = middle[peer.name]
        centre = y + BAR / 2
        parts += [
            f'<text x="{LEFT - 8}" y="{y + 15}" text-anchor="end">{escape(peer.name)}</text>',
            f'<rect x="{LEFT}" y="{y}" width="{value * scale:.1f}" height="{BAR}" fill="{_colour(peer)}"/>',
            f'<line x1="{LEFT + values[0] * scale:.1f}" x2="{LEFT + values[-1] * scale:.1f}" y1="{centre}" '
            f'y2="{centre}" stroke="black"/>',
            f'<text x="{LEFT + values[-1] * scale + 8:.1f}" y="{y + 15}">{value:,.{decimals}f}</text>',
        ]
    return "\n".join([*parts, "</svg>", ""])
