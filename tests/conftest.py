"""What every test may ask for."""

from gatehouse.ops.struct_types import prepare_types

pytest_plugins = ["tests.servers.fixtures", "tests.http.proof"]


def pytest_collection_finish() -> None:
    """As a server does before it has threads."""
    prepare_types()
