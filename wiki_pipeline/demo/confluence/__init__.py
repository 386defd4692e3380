"""A Confluence for tests, demos and benchmarks: a real HTTP server that behaves as Cloud or Data Center does.

    with ConfluenceServer("cloud") as server:                  # or "datacenter"
        space = server.space("ENG", "Engineering")
        home = space.add("Home", "<p>Welcome</p>")
        page = space.add("Runbook", "<p>Restart it.</p>", parent=home, labels=["ops"], author="Ada Lovelace")
        ...                                                     # a client reads from server.url
        page.edit("<p>Restart it twice.</p>")                   # or rename, move, trash, restore, purge, archive,
        page.label("urgent")                                    # unlabel, restrict, attach, comment
        assert server.violations == []                          # nothing was sent that no right client sends
        assert server.max_in_flight <= 5
        assert [request.path for request in server.requests] == [...]

Folders, whiteboards and databases are contents with another `type`. The fixtures `confluence_cloud` and
`confluence_datacenter` in `wiki_pipeline_tests/conftest.py` start one each and look for violations at the end.

Credentials: open to anonymous calls until `server.allow(name="me@example.org", secret="token")` (Basic),
`server.allow(secret="token")` (Bearer) or `server.allow(..., scoped=True)` (at `server.gateway_url` only).

Faults are ordered by path, count or probability (see `faults`):

    server.fault("*/content*", faults.rate_limited(retry_after=3), times=2)
    server.fault("*/spaces/*/pages*", faults.status(502), after=3)       # the fourth page of a listing
    server.fault("*", faults.dropped(), times=None, probability=0.1, seed=7)

CQL: `ConfluenceServer(user_zone=ZoneInfo("America/New_York"), index_lag=timedelta(minutes=2), clock=...)`, and
`server.site.index.pause()` / `catch_up()`.

Big spaces: `generate_space(server.site, "BIG", 10_000)`; the demo handbook: `load_folder(server.site)`. As its own
process, driven over HTTP: `with server_process("--handbook", "--generated", "BIG:10000") as remote`. What the server
has written once it keeps (up to 256 MB): a benchmark reads everything once before it measures.
"""

from wiki_pipeline.demo import faults
from wiki_pipeline.demo.confluence.control import RemoteServer, server_process
from wiki_pipeline.demo.confluence.server import ConfluenceServer
from wiki_pipeline.demo.confluence.site import Content, Space
from wiki_pipeline.demo.confluence.spaces import generate_space, load_folder
from wiki_pipeline.demo.confluence.world import Limits

__all__ = [
    "ConfluenceServer",
    "Content",
    "Limits",
    "RemoteServer",
    "Space",
    "faults",
    "generate_space",
    "load_folder",
    "server_process",
]
