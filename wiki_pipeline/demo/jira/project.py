"""The demo's project: the platform team's issues, beside the handbook that names them."""

from __future__ import annotations

from datetime import UTC, datetime

from wiki_pipeline.demo.jira import bodies
from wiki_pipeline.demo.jira.bodies import body
from wiki_pipeline.demo.jira.site import Issue, Site

KEY = "PLAT"


def load_project(site: Site) -> None:
    """Put the project PLAT into a site. The same each time: ids, keys, moments."""
    now, site.clock = site.clock, lambda: datetime(2026, 10, 12, 9, 0, tzinfo=UTC)
    try:
        _issues(site)
    finally:
        site.clock = now


def _add(site: Site, number: int, day: str, summary: str, description: object = None, **more: object) -> Issue:
    site.start_numbers(KEY, number)
    moment = datetime.fromisoformat(f"{day}T08:30:00+00:00")
    return site.add(KEY, summary, description, created=moment, updated=moment, **more)  # type: ignore[arg-type]


def _said(issue: Issue, day: str, author: str, *blocks: bodies.Adf | str) -> None:
    moment = datetime.fromisoformat(f"{day}T14:05:00+00:00")
    comment = issue.comment(body(*blocks), author, quiet=True)
    comment.created = comment.updated = issue.updated = moment


def _issues(site: Site) -> None:
    site.project(KEY, "Platform")
    clocks = _add(
        site, 480, "2025-10-28", "No clock of ours is a local one",
        body("Follows from the incident with the clocks of 38 French stations. Ends when no reading is taken without "
             "an offset, and a check would have seen it within the hour."),
        type="Epic", status="In Progress", reporter="Morag Sinclair", assignee="Devraj Pillai", labels=["clocks"],
    )  # fmt: skip
    next_ = _add(
        site, 600, "2026-01-12", "Platform 2027",
        body("What has to be in place before the next five hundred stations are connected."),
        type="Epic", status="In Progress", reporter="Devraj Pillai", labels=["platform-2027"], priority="High",
    )  # fmt: skip
    loader = _add(
        site, 497, "2025-10-28", "Loader takes the second local hour for the first",
        body(
            bodies.heading("What happens", 2),
            "A Mk II logger that sends local time without an offset sends the hour after the change twice. The loader "
            "turns both into the same moment and keeps the second.",
            bodies.code(
                'moment = datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=LOCAL)\n'
                "store.upsert(station, moment, level)  # the second 02:10 wins",
                "python",
            ),
            bodies.heading("What it should do", 2),
            bodies.items(
                "tell the two hours apart by sequence_no, as the replay of PLAT-501 did",
                "refuse a reading that would overwrite another one with a greater difference than 0.5 m",
                "say which station still sends local time",
            ),
            bodies.panel("Thirty-eight stations, all Mk II, all in France: see BRS-01 and SML-01.", kind="warning"),
        ),
        type="Bug", status="Done", priority="Highest", parent=clocks, reporter="Morag Sinclair",
        assignee="Devraj Pillai", labels=["clocks", "loader"], components=["Capstan"], fix_versions=["Capstan 7.3"],
    )  # fmt: skip
    _said(loader, "2025-10-28", "Morag Sinclair", "The moon has not done that: Brest jumps by 1.1 m at 02:00.")
    _said(
        loader, "2025-10-29", "Devraj Pillai",
        "Reproduced with the readings of that night:",
        bodies.table(
            ("Station", "Minutes overwritten", "Greatest step"), ("SML-01", "60", "1.38 m"), ("BRS-01", "60", "1.10 m")
        ),
        "The patched loader takes them apart. Released with Capstan 7.3.",
    )  # fmt: skip
    replay = _add(
        site, 501, "2025-10-28", "Replay 4,560 minutes of 38 stations",
        body("All hours are still in the buffers, which hold 45 days. Replay them with the loader of PLAT-497."),
        type="Task", status="Done", priority="Highest", parent=clocks, assignee="Emre Yıldırım", labels=["clocks"],
    )  # fmt: skip
    replay.link(loader, "is caused by", "causes")
    _said(replay, "2025-10-29", "Emre Yıldırım", "Done at 16:22 UTC, revision 1. Residuals are back to normal.")
    check = _add(
        site, 512, "2025-11-03", "Raise the alarm when residuals scatter at many stations at once",
        body(
            "The scatter was 6 to 9 times the usual at 38 stations; the limit is 10. Count stations, not the worst.",
            bodies.tasks((True, "count stations above 4"), (True, "one alarm a region"), (False, "runbook for it")),
        ),
        type="Story", status="In Progress", parent=clocks, assignee="Morag Sinclair", sprint="Sprint 41",
        labels=["alarms"], components=["Foghorn"], points=5.0,
    )  # fmt: skip
    loader.link(check)
    _said(
        check, "2026-09-29", "Devraj Pillai", "Runs beside the old check since Monday. Not one false alarm in ten days."
    )
    runbook = _add(
        site, 513, "2025-11-03", "Runbook: readings that are plausible and wrong", None,
        type="Sub-task", status="To Do", parent=check, assignee="Morag Sinclair",
    )  # fmt: skip
    runbook.link(check, "relates to", "relates to")
    parquet = _add(
        site, 588, "2026-07-20", "A year of predictions as Parquet",
        body("Customers read /v2/predictions row by row: 525,600 rows a station and year. Offer Parquet beside JSON."),
        type="Story", status="Done", parent=next_, assignee="Devraj Pillai", labels=["platform-2027"],
        components=["Lantern"], fix_versions=["Lantern 2.38"], points=8.0,
    )  # fmt: skip
    _said(parquet, "2026-09-30", "Devraj Pillai", "2.9 MB instead of 71. Out with Lantern 2.38 tomorrow.")
    _add(
        site, 604, "2026-02-02", "Read-only Lantern from Brest for a week, not a day",
        body("The replica holds what it can; measure how long that is, and say it in the status page."),
        type="Story", status="In Review", priority="High", parent=next_, assignee="Emre Yıldırım", sprint="Sprint 41",
        labels=["platform-2027"], components=["Lantern"], points=5.0,
    )  # fmt: skip
    _add(
        site, 607, "2026-03-16", "Move Almanac's nightly run off the machine that serves",
        body("At 02:10 the daily run takes four cores of the six. Surge mode at the same time is untested.",
             bodies.items("measure a night with surge mode", "give the run a machine of its own, or a limit")),
        type="Task", status="To Do", priority="High", parent=next_, labels=["platform-2027"], components=["Almanac"],
    )  # fmt: skip
    _add(
        site, 611, "2026-05-04", "Tell customers of a revision by webhook",
        "Asked for by three ports and a tidal power plant.",
        type="Story", status="To Do", parent=next_, labels=["platform-2027", "api"], components=["Lantern"], points=3.0,
    )  # fmt: skip
    flaky = _add(
        site, 623, "2026-09-21", "A station goes silent after a modem update and is not told to reconnect",
        body("See the runbook. Happens with firmware 4.11.1 alone, once in some 200 updates."),
        type="Bug", status="To Do", priority="High", assignee="Emre Yıldırım", labels=["modem"], components=["Capstan"],
    )  # fmt: skip
    _said(
        flaky,
        "2026-10-09",
        "Emre Yıldırım",
        "PIR-01 again last night. It is the second APN; PLAT-604 waits for it as well.",
    )
    _add(
        site, 630, "2026-10-01", "Old map tiles are asked for by somebody's kiosk", None,
        type="Bug", status="To Do", priority="Low", labels=["map"],
    )  # fmt: skip
