"""What the tests of the engine share."""

from __future__ import annotations

import pytest

from tests.servers.cluster import Cluster


@pytest.fixture(params=["standalone", "cluster"])
def deployment(request: pytest.FixtureRequest) -> str:
    """The URL of an empty Redis, once for each way it can be deployed that matters to a script."""
    if request.param == "standalone":
        url: str = request.getfixturevalue("redis_url")
        return url
    cluster: Cluster = request.getfixturevalue("cluster")
    return cluster.url
