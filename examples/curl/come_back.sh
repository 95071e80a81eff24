#!/bin/sh
# Listen, go away, and continue behind the last event.
set -eu
url="${FANFARE_URL:-http://127.0.0.1:8000}"
channel="come-back-$$"

# The position of an event is in the answer to its push, and in the `id:` line of its frame.
push() { curl -sS --fail-with-body "$url/api/push/$channel" -d "$1" | sed 's/.*"id":"\([^"]*\)".*/\1/'; }

last="$(push "seen before going away")"
push "missed, the first" >/dev/null
push "missed, the second" >/dev/null

# Two seconds are enough to see it; a program would go on reading. curl says 28 when the time is over.
curl -sN --max-time 2 -H "Last-Event-ID: $last" "$url/stream?channel=$channel" || test $? = 28
