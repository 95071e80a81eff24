#!/bin/sh
# Listen, disconnect, and resume after the last event.
set -eu
url="${FANFARE_URL:-http://127.0.0.1:8000}"
channel="come-back-$$"

# The position of an event is in the response to its push, and in the `id:` line of its frame.
push() { curl -sS --fail-with-body "$url/api/push/$channel" -d "$1" | sed 's/.*"id":"\([^"]*\)".*/\1/'; }

last="$(push "seen before disconnecting")"
push "missed, the first" >/dev/null
push "missed, the second" >/dev/null

# Two seconds are enough for this example; a program would keep reading. curl exits with 28 when the time is up.
curl -sN --max-time 2 -H "Last-Event-ID: $last" "$url/stream?channel=$channel" || test $? = 28
