#!/bin/sh
# Register a webhook, test it, inspect it, and remove it. `examples/python/receiver.py` is a receiver to register.
set -eu
url="${FANFARE_URL:-http://127.0.0.1:8000}"
receiver="${1:-http://localhost:3000/webhook}"

post() { curl -sS --fail-with-body -X POST "$url$1" -H 'Content-Type: application/json' -d "${2-}"; }

# The response has the secret that signs every delivery. It is shown only once.
registered="$(post /api/register "{\"webhook_url\": \"$receiver\", \"channels\": [\"builds.>\"], \"retry\": [\"5s\", \"1m\", \"10m\"]}")"
id="$(echo "$registered" | sed 's/.*"id":"\([^"]*\)".*/\1/')"
echo "$registered"

# A test is sent to the receiver immediately, and the response has the result.
post "/api/webhooks/$id/test"
echo

# `webhooks_notified` counts the receivers that returned 2xx; the others are retried.
post /api/push '{"channel": "builds.web", "message": "deployed"}'
echo
curl -sS --fail-with-body "$url/api/webhooks/$id/attempts"
echo

post /api/unregister "{\"webhook_url\": \"$receiver\"}"
echo
