#!/bin/sh
# The same with nothing but curl and sed: propose, wait, claim, act, report. Needs COUNTERSIGN_URL and COUNTERSIGN_KEY.
set -eu
api() { # METHOD PATH [BODY] [IDEMPOTENCY-KEY]
    curl -sS --fail-with-body -X "$1" "$COUNTERSIGN_URL/api/v1$2" -H "Authorization: Bearer $COUNTERSIGN_KEY" \
        -H "Content-Type: application/json" -H "Idempotency-Key: ${4:-}" ${3:+--data "$3"}
}
value() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p"; }

order=${1:-A-18}
action=$(api POST /actions "{\"tool\": \"refund\", \"args\": {\"order\": \"$order\", \"amount_cents\": 900}}" "refund-$order" | value id)
echo "Asked: $COUNTERSIGN_URL/actions/$action/" >&2
while [ "$(api GET "/actions/$action?wait=30" | value next)" = wait ]; do :; done
if [ "$(api GET "/actions/$action" | value next)" != claim ]; then
    echo "Not done: $(api GET "/actions/$action" | value state)"
    exit 0
fi
leave=$(api POST "/actions/$action/claim" '{}' "claim-$order")
echo "Acting with: $leave" # whatever really does it
api POST "/actions/$action/outcome" '{"status": "done", "result": {"by": "curl"}}' | value state
