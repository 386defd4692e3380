"""A Jira for tests, demos and benchmarks: a real HTTP server that behaves as Cloud or Data Center does.

    with JiraServer("cloud") as server:                        # or "datacenter"
        issue = server.site.add("OPS", "Pump stalls", "It stalls at night.", type="Bug", labels=["night"])
        issue.comment("Seen again.", author="Grace Hopper")     # or edit, transition, link, attach, log_work, move, ...
        server.site.pause_index()                               # what changes now no search finds, until catch_up()
        server.fault("*/search/jql*", faults.rate_limited(3))
        assert server.violations == []                          # nothing was sent that no right client sends

Texts are words, ADF, or `bodies.body(...)`, which has all forms. As its own process, with the demo's project:
`python -m wiki_pipeline.demo.jira --project`.
"""

from wiki_pipeline.demo.jira.api import Limits
from wiki_pipeline.demo.jira.bodies import body
from wiki_pipeline.demo.jira.server import JiraServer
from wiki_pipeline.demo.jira.site import Issue, Project, Site

__all__ = ["Issue", "JiraServer", "Limits", "Project", "Site", "body"]
