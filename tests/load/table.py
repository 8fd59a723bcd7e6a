"""Figures as a table: what was wanted, what was measured."""


class Table:
    def __init__(self):
        self.rows, self.broken = [], []

    def add(self, what, wanted, measured, met):
        self.rows.append((what, wanted, measured, met))
        print(f"  {'met   ' if met else 'missed' if met is not None else '      '} {what}: {measured}"
              f"{f' (wanted {wanted})' if wanted else ''}", flush=True)

    def must(self, ok, what):
        """Not a figure: something that would be wrong on any machine."""
        if not ok:
            self.broken.append(what)
            print(f"  BROKEN {what}", flush=True)

    def markdown(self):
        lines = ["| | wanted | measured | |", "|---|---|---|---|"]
        return "\n".join(lines + [f"| {a} | {b} | {c} | {'' if d is None else 'met' if d else 'missed'} |"
                                  for a, b, c, d in self.rows])
