"""What was compared while one law ran: how much, how close to the bound, how often without a bound."""

from dataclasses import dataclass


@dataclass
class Ledger:
    elements: int = 0
    share: float = 0.0  # the worst error as a share of its bound
    inconclusive: int = 0

    def compared(self, elements, share=0.0, inconclusive=0):
        self.elements += int(elements)
        self.share = max(self.share, float(share))
        self.inconclusive += inconclusive

    def clear(self):
        self.elements, self.share, self.inconclusive = 0, 0.0, 0


LEDGER = Ledger()
