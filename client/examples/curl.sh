#!/bin/sh
# The same with nothing but curl and grep: propose, wait, claim, act, report. Needs COUNTERSIGN_URL and COUNTERSIGN_KEY.
# What it is and what is next is read from the answer's headers: in its body an argument may be called "id" or "next" as well.
set -eu
heard=$(mktemp)
trap 'rm -f "$heard"' EXIT
api() { # METHOD PATH [BODY] [IDEMPOTENCY-KEY]
    curl -sS --fail-with-body -D "$heard" -X "$1" "$COUNTERSIGN_URL/api/v1$2" -H "Authorization: Bearer $COUNTERSIGN_KEY" \
        -H "Content-Type: application/json" -H "Idempotency-Key: ${4:-}" ${3:+--data "$3"}
}
header() { grep -i "^$1:" "$heard" | tail -n 1 | cut -d: -f2 | tr -d ' \r'; }

order=${1:-A-18}
api POST /actions "{\"tool\": \"refund\", \"args\": {\"order\": \"$order\", \"amount_cents\": 900}}" "refund-$order" >&2
action=$(header Countersign-Action)
echo "Asked: $COUNTERSIGN_URL/actions/$action/" >&2
while api GET "/actions/$action?wait=30" >/dev/null && [ "$(header Countersign-Next)" = wait ]; do :; done
if [ "$(header Countersign-Next)" != claim ]; then
    # Also when it was agreed to and claimed before, by an earlier start of this script: what came of it stands on its page.
    echo "Nothing to do: $(header Countersign-State), see $COUNTERSIGN_URL/actions/$action/"
    exit 0
fi
leave=$(api POST "/actions/$action/claim" '{}' "claim-$order")
echo "Acting with: $leave" # whatever really does it
api POST "/actions/$action/outcome" '{"status": "done", "result": {"by": "curl"}}' >/dev/null
header Countersign-State
