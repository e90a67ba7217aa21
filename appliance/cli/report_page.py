"""The report as one HTML file: no script, no address, no font; it can be mailed, printed and kept.

Only the document's values are shown, escaped; what was not measured says so in words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Any

from appliance.cli import escape as names
from appliance.cli import report_chart
from appliance.cli.progress import size_text
from appliance.words import N_, Catalogue

_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_STYLE = """
body{font:15px/1.5 system-ui,"Noto Sans CJK JP","IPAGothic",sans-serif;color:#1b1b1b;background:#fff;
max-width:52rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.6rem;margin:0}h2{font-size:1.15rem;margin:2rem 0 .4rem;border-bottom:2px solid #1f4e9c}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:.2rem .6rem .2rem 0;border-bottom:1px solid #ddd;vertical-align:top}
td.n,th.n{text-align:right}svg{width:100%;height:auto}p.note{color:#555}
dl{display:grid;grid-template-columns:repeat(auto-fit,minmax(11rem,1fr));gap:.8rem;margin:1rem 0}
dl div{border:2px solid #1f4e9c;border-radius:4px;padding:.5rem .7rem}dt{color:#444}
dd{margin:0;font-size:1.1rem;font-weight:600;overflow-wrap:anywhere}table+table{margin-top:1rem}
.warn{border:3px solid #1b1b1b;padding:.5rem .8rem;background:#fff7d6}
@media print{body{margin:0;max-width:none}h2{break-after:avoid}tr,svg,dl div{break-inside:avoid}}
"""
_SECONDS_BELOW_S, _MINUTES_BELOW_S = 60, 5400  # s; longer times are said in minutes, then in hours


class Page:
    """One report in one language."""

    def __init__(self, document: Mapping[str, Any], catalogue: Catalogue, warnings: Sequence[str]) -> None:
        self._facts, self._catalogue, self._warnings = document, catalogue, warnings

    def html(self) -> str:
        """The whole file."""
        title = self._say(N_("Iwato report"))
        body = "\n".join(part for section in self._sections() for part in section)
        return (
            f'<!doctype html>\n<html lang="{self._catalogue.language}">\n<head><meta charset="utf-8">\n'
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
            '<meta name="viewport" content="width=device-width">\n'
            f"<title>{title}</title><style>{_STYLE}</style></head>\n<body>\n<h1>{title}</h1>\n{body}\n"
            "</body></html>\n"
        )

    def _sections(self) -> Iterator[Iterator[str]]:
        yield self._head()
        yield self._exposure()
        yield self._attack()
        yield self._windows()
        yield self._refusals()
        yield self._evidence()
        yield self._durability()
        yield self._absent()

    # Words ---------------------------------------------------------------------------------------------

    def _say(self, msgid: str, **values: object) -> str:
        """A translated sentence, its values made harmless, as HTML."""
        shown = {k: v if isinstance(v, int) else names.escape(str(v)) for k, v in values.items()}
        return escape(self._catalogue.text(msgid, **shown))

    def _heading(self, msgid: str) -> str:
        return f"<h2>{self._say(msgid)}</h2>"

    def _text(self, msgid: str, **values: object) -> str:
        return f"<p>{self._say(msgid, **values)}</p>"

    def _note(self, msgid: str, **values: object) -> str:
        return f'<p class="note">{self._say(msgid, **values)}</p>'

    def _warn(self, msgid: str, **values: object) -> str:
        return f'<p class="warn">{self._say(msgid, **values)}</p>'

    def _time(self, seconds: int) -> str:
        """The interlock's clock counts whole seconds, so 0 is less than one."""
        if seconds < _SECONDS_BELOW_S:
            return self._say(N_("{seconds} s"), seconds=seconds) if seconds else self._say(N_("under 1 s"))
        if seconds < _MINUTES_BELOW_S:
            return self._say(N_("{minutes} min"), minutes=_figure(seconds / 60))
        return self._say(N_("{hours} h"), hours=_figure(seconds / 3600))

    def _table(self, heads: Sequence[str], rows: Sequence[Sequence[str]], numbers: int = 0) -> Iterator[str]:
        """`heads` are sentences, cells are HTML; the last `numbers` columns hold numbers."""
        marks = [' class="n"' if n >= len(heads) - numbers else "" for n in range(len(heads))]
        titles = [f"<th{mark}>{self._say(head)}</th>" for mark, head in zip(marks, heads, strict=True)]
        yield f"<table><tr>{''.join(titles)}</tr>"
        for row in rows:
            cells = [f"<td{mark}>{cell}</td>" for mark, cell in zip(marks, row, strict=True)]
            yield f"<tr>{''.join(cells)}</tr>"
        yield "</table>"

    # Sections ------------------------------------------------------------------------------------------

    def _head(self) -> Iterator[str]:
        facts = self._facts
        yield self._text(
            N_("Vault {vault}, policy {policy}; made {made} by the interlock's clock, from the ledger."),
            vault=facts["vault"],
            policy=facts["policy"],
            made=facts["made"],
        )
        for warning in self._warnings:
            yield f'<p class="warn">{escape(warning)}</p>'
        now = facts["exposure"]["days"][-1]["link_s"]
        today = self._say(N_("none")) if now is None else self._time(now)
        limit = self._time(facts["exposure"]["limit_s"])
        proofs = [item for item in facts["recoveries"] if item["proof"]]
        cards = [
            (N_("connected today, of what the policy allows"), f"{today} / {limit}"),
            (N_("newest snapshot"), escape(facts["snapshots"]["newest"] or "") or self._say(N_("none"))),
            (N_("last scrub"), self._last(facts["scrubs"])),
            (N_("last proof by decryption"), self._last(proofs)),
        ]
        boxes = [f"<div><dt>{self._say(name)}</dt><dd>{value}</dd></div>" for name, value in cards]
        yield f"<dl>{''.join(boxes)}</dl>"

    def _last(self, items: Sequence[Mapping[str, Any]]) -> str:
        return _day(items[-1]) if items else self._say(N_("not in this period"))

    def _exposure(self) -> Iterator[str]:
        facts, text = self._facts["exposure"], self._catalogue.text
        yield self._heading(N_("How long was the box connected?"))
        yield report_chart.exposure(
            self._facts,
            minutes=text(N_("minutes a day")),
            limit=text(N_("limit of the policy: {minutes} min"), minutes=_figure(facts["limit_s"] / 60)),
            absent=text(N_("no window in the ledger")),
        )
        measured = [day["link_s"] for day in facts["days"] if day["link_s"] is not None]
        yield self._text(
            N_("Of {days} days, {known} have windows in the ledger: {sum} in all, {most} at most."),
            days=len(facts["days"]),
            known=len(measured),
            sum=self._time(sum(measured)),
            most=self._time(max(measured, default=0)),
        )
        yield self._note(
            N_(
                "Measured by the interlock's clock from the contact test to the cut. A window that committed"
                " nothing leaves no such entry and is not in these figures."
            )
        )
        yield self._text(N_("The day as the policy plans it:"))
        yield report_chart.plan(
            self._facts["schedule"],
            link=text(N_("the link may be live")),
            drives=text(N_("drives may be live: sealing (dark), scrub (light)")),
        )

    def _attack(self) -> Iterator[str]:
        yield self._heading(N_("Attack time against exposure"))
        heads = (N_("connection that an attack needs"), N_("days that it waits at least"))
        unknown = self._say(N_("not measured"))
        rows = [
            (self._time(item["needed_s"]), unknown if item["days"] is None else str(item["days"]))
            for item in self._facts["attack"]
        ]
        yield from self._table(heads, rows, 1)
        yield self._note(
            N_(
                "Computed from the median of the measured windows and the windows of a day. Assumes that an"
                " attack works only while the link is live and keeps its place from one window to the next,"
                " although the box starts its controller anew in each."
            )
        )

    def _windows(self) -> Iterator[str]:
        yield self._heading(N_("Windows"))
        if not self._facts["windows"]:
            yield self._text(N_("No window committed anything in this period."))
            return
        heads = (N_("window"), N_("snapshot"), N_("connected"), N_("read"), N_("stored"))
        yield from self._table(heads, [self._window(item) for item in reversed(self._facts["windows"])], 3)
        points = self._facts["snapshots"]["growth"]
        if len(points) > 1:
            yield self._text(N_("Stored in this period, added up:"))
            yield report_chart.growth(points)

    def _window(self, item: Mapping[str, Any]) -> Sequence[str]:
        state = [self._say(N_("complete") if item["complete"] else N_("not complete"))]
        if item["degraded"]:
            state.append(self._say(N_("not on every drive")))
        sizes = (size_text(item["bytes_read"]), size_text(item["bytes_stored"]))
        return (_minute(item["begin"]), ", ".join(state), self._time(item["link_s"]), *sizes)

    def _refusals(self) -> Iterator[str]:
        yield self._heading(N_("Refused attempts and faults"))
        rows = [(escape(names.escape(name)), str(count)) for name, count in self._facts["refusals"].items()]
        if rows:
            yield from self._table((N_("what the interlock refused"), N_("times")), rows, 1)
        else:
            yield self._text(N_("The interlock refused nothing in this period."))
        for fault in self._facts["faults"]:
            yield self._warn(N_("{time}: the interlock latched a fault: {cause}"), **fault)

    def _evidence(self) -> Iterator[str]:
        yield self._heading(N_("Is it still readable, and does it open?"))
        if self._facts["scrubs"]:
            heads = (N_("scrub"), N_("blocks read"), N_("damaged"), N_("repaired"), N_("left"))
            counted = ("blocks", "bad", "repaired", "unrepaired")
            rows = [
                (_minute(item["time"]), *(str(item[name]) for name in counted))
                for item in reversed(self._facts["scrubs"])
            ]
            yield from self._table(heads, rows, 4)
        else:
            yield self._text(N_("No scrub in this period: what the drives still hold was not measured."))
        if self._facts["recoveries"]:
            titles = (N_("opened"), N_("what for"), N_("snapshot"), N_("reason"))
            opened = [self._recovery(item) for item in reversed(self._facts["recoveries"])]
            yield from self._table(titles, opened)
        else:
            yield self._text(N_("Nobody opened a snapshot in this period: that it opens was not measured."))

    def _recovery(self, item: Mapping[str, Any]) -> Sequence[str]:
        what = N_("proof: nothing was written") if item["proof"] else N_("recovery")
        return (
            _minute(item["time"]),
            self._say(what),
            escape(item["snapshot"]),
            escape(names.escape(item["why"])),
        )

    def _durability(self) -> Iterator[str]:
        facts, drives = self._facts["durability"], self._facts["drives"]
        yield self._heading(N_("Chance of losing data to failing drives"))
        yield self._text(
            N_("{chance} in a year, with {data}+{parity} drives."),
            chance=f"{facts['loss_per_year']:.1e}",
            data=drives["data"],
            parity=drives["parity"],
        )
        yield self._note(
            N_(
                "Computed, not measured. Assumes that each drive fails on its own with a chance of {rate} a"
                " year and that a lost one is replaced within {days} days. Fire, theft, water and an attack"
                " on the box are not in this figure."
            ),
            rate=_figure(facts["failures_per_year"]),
            days=facts["replaced_after_days"],
        )

    def _absent(self) -> Iterator[str]:
        yield self._heading(N_("Not measured"))
        yield self._text(N_("Drills with tokens, the damage gate, and temperatures: not measured."))
        if self._facts["gaps"]:
            count = self._facts["gaps"]
            yield self._warn(N_("Of {count} ledger entries only the hash is known any more."), count=count)


def _figure(value: float) -> str:
    return f"{value:.3g}"


def _day(item: Mapping[str, Any]) -> str:
    return escape(item["time"][:10])


def _minute(time: str) -> str:
    """A time of the document, to the minute."""
    return escape(time[:16].replace("T", " "))
