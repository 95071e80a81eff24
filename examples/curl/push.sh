#!/bin/sh
# Text, JSON, a batch, and a push that can be repeated safely.
set -eu
url="${FANFARE_URL:-http://127.0.0.1:8000}"

# The body is the message, the path has the channel, and the query has the rest.
curl -sS --fail-with-body -d "deployed" "$url/api/push/deploys.web?type=success"
echo

# JSON can carry data.
curl -sS --fail-with-body "$url/api/push" -H 'Content-Type: application/json' -d '{
  "channel": "deploys.web",
  "message": "version 4.2.0 is live",
  "data": {"version": "4.2.0", "seconds": 48}
}'
echo

# An array is a batch, committed as a whole or not at all.
curl -sS --fail-with-body "$url/api/push/deploys.web" -H 'Content-Type: application/json' -d '[
  {"message": "eu-1 is done"},
  {"message": "us-1 is done"}
]'
echo

# The response can get lost. With an idempotency key, sending the push again appends nothing.
for _ in first again; do
  curl -sS --fail-with-body "$url/api/push/deploys.web?idempotency_key=deploy-4.2.0-$$" -d "deploy ended"
  echo
done
