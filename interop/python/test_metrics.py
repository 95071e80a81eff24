"""The metrics, read by the parsers of Prometheus' own Python client: both formats, with everything that counts in use."""

import requests
from prometheus_client.openmetrics import parser as openmetrics
from prometheus_client import parser as prometheus


def scrape(gateway, accept):
    response = requests.get(f"{gateway.url}/metrics", headers={"Accept": accept}, timeout=10)
    assert response.status_code == 200
    return response


def use(gateway, receiver):
    """Makes the gateway count something of most kinds."""
    registered = requests.post(f"{gateway.url}/api/register", json={"webhook_url": receiver.url}, timeout=10)
    assert registered.status_code == 200, registered.text
    assert requests.post(f"{gateway.url}/api/push", json={"message": "hello"}, timeout=30).status_code == 200
    assert requests.post(f"{gateway.url}/api/push", json={"message": 1}, timeout=10).status_code == 422


def test_openmetrics_is_parsed_by_its_own_parser(gateway, receiver):
    use(gateway, receiver)
    response = scrape(gateway, "application/openmetrics-text; version=1.0.0")
    assert response.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    families = {family.name: family for family in openmetrics.text_string_to_metric_families(response.text)}
    assert families["fanfare_events"].type == "counter"
    assert families["fanfare_append_seconds"].type == "histogram"
    [refused] = families["fanfare_refused_pushes"].samples
    assert (refused.labels, refused.value) == ({"code": "invalid_message"}, 1)
    assert families["process_resident_memory_bytes"].samples[0].value > 1_000_000
    assert all(family.documentation for family in families.values())


def test_both_formats_have_the_same_families(gateway, receiver):
    use(gateway, receiver)
    scrape(gateway, "*/*")
    older = {family.name: family.type for family in prometheus.text_string_to_metric_families(scrape(gateway, "*/*").text)}
    response = scrape(gateway, "application/openmetrics-text")
    newer = {family.name: family.type for family in openmetrics.text_string_to_metric_families(response.text)}
    assert older == newer
