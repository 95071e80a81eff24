"""An agent that reports its progress.

All its events have the same key: a client that listens with `conflate=1` and lags, or connects late, gets only the
newest of them.
"""

import os

import requests

URL = os.environ.get("FANFARE_URL", "http://127.0.0.1:8000")
STEPS = ["reading the code", "running the tests", "writing the review"]


def report(message, **members):
    response = requests.post(
        f"{URL}/api/push", json={"channel": "agents.reviewer", "message": message, **members}, timeout=10
    )
    if not response.ok:
        problem = response.json()
        raise SystemExit(f"{problem['detail']}; {problem.get('fix', '')}")
    return response.json()


for number, step in enumerate(STEPS, start=1):
    report(step, key="review-17", data={"step": number, "of": len(STEPS)}, expires_in="1h")

done = report("review finished: 2 remarks", type="success", key="review-17", data={"remarks": 2})
print(f"{done['id']} went to {done['stream_clients']} subscribers")
