# SPDX-License-Identifier: MIT
"""The report: one row per figure with a column per backend, and a line for each difference between them with its reason."""
from reasons import REASONS

BACKENDS = ("VT-x", "SVM")
DIFFERENCE = 0.10
SMALL = 16  # differences of so few events are not worth a word


def number(value, unit):
    if value is None:
        return ""
    return (f"{value:.4f}" if isinstance(value, float) else f"{value:,}") + (f" {unit}" if unit else "")


class Table:
    def __init__(self):
        self.rows, self.figures, self.missed = [], {}, False

    def add(self, what, vtx=None, svm=None, budget=None, unit="ticks", key=None, compare=True):
        """A figure of one backend or both. `budget`: of VT-x, or of whichever is there."""
        judged = svm if vtx is None else vtx
        verdict = "" if budget is None else "ok" if judged <= budget else f"over by {100 * (judged / budget - 1):.1f} %"
        self.missed |= verdict.startswith("over")
        self.rows.append((what, number(vtx, unit), number(svm, unit), "" if budget is None else f"{budget:,}", verdict))
        if compare and vtx is not None and svm is not None:
            self.figures[key or what] = (what.strip(), vtx, svm)

    def add_single(self, what, value, budget=None, unit=""):
        """A figure that does not depend on the backend."""
        self.add(what, value, None, budget, unit)

    def miss(self, what, why):
        self.missed = True
        self.rows.append((what, "not measured", "", "", why))

    def text(self):
        rows = [("what", *BACKENDS, "budget", "")] + self.rows
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        return "\n".join(f"{a:<{widths[0]}}  {b:>{widths[1]}}  {c:>{widths[2]}}  {d:>{widths[3]}}  {e}".rstrip() for a, b, c, d, e in rows)

    def differences(self):
        """A line for each figure by which the backends differ by more than a tenth."""
        lines = []
        for key, (what, vtx, svm) in self.figures.items():
            if abs(svm - vtx) <= DIFFERENCE * max(vtx, svm) or abs(svm - vtx) <= SMALL:
                continue
            reason = REASONS.get((key, "more" if svm > vtx else "less"), "unexplained")
            lines.append(f"  {what}: {vtx:,} on VT-x, {svm:,} on SVM: {reason}")
        return "SVM differs from VT-x by more than 10 % in\n" + "\n".join(lines) if lines else ""
