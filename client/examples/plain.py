"""Plain Python: a function that asks before it runs. Set COUNTERSIGN_URL and COUNTERSIGN_KEY (an agent's key), then run it.

Started again with the same order it finds what it asked before, and does not ask, or pay, twice.
"""

import sys

from countersign import NotApproved, idempotency, require_approval


@require_approval(rationale=lambda order, amount_cents: f"The goods of order {order} came back damaged")
def refund(order: str, amount_cents: int) -> dict[str, object]:
    print(f"refunding {amount_cents} cents of {order}")  # whatever really does it
    return {"refunded": amount_cents, "order": order}


if __name__ == "__main__":
    order = sys.argv[1] if len(sys.argv) > 1 else "A-17"
    with idempotency(f"refund:{order}"):
        try:
            print(refund(order, 1_200))
        except NotApproved as refusal:
            print(f"Not done: {refusal}")
