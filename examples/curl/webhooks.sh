#!/bin/sh
# Register a webhook, try it, see how it fares, and forget it. `examples/python/receiver.py` is something to register.
set -eu
url="${FANFARE_URL:-http://127.0.0.1:8000}"
receiver="${1:-http://localhost:3000/webhook}"

post() { curl -sS --fail-with-body -X POST "$url$1" -H 'Content-Type: application/json' -d "${2-}"; }

# The answer has the secret that every delivery is signed with. It is shown this once.
registered="$(post /api/register "{\"webhook_url\": \"$receiver\", \"patterns\": [\"builds.>\"], \"retry\": \"5s,1m,10m\"}")"
id="$(echo "$registered" | sed 's/.*"id":"\([^"]*\)".*/\1/')"
echo "$registered"

# A test reaches the receiver at once, and says what came of it.
post "/api/webhooks/$id/test"
echo

# `webhooks_notified` counts the receivers that answered with 2xx; the others are tried again.
post /api/push '{"channel": "builds.web", "message": "deployed"}'
echo
curl -sS --fail-with-body "$url/api/webhooks/$id/attempts"
echo

post /api/unregister "{\"webhook_url\": \"$receiver\"}"
echo
