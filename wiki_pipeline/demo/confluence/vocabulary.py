"""The words of generated spaces: an engineering wiki's everyday vocabulary."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(" ".join(word.split()) for word in text.split("|"))


NOUNS = _words(
    """
    access review|account|adapter|alert|allowlist|annotation|API gateway|archive|artifact|audit log|backfill|backup|
    baseline|batch|benchmark|billing cycle|branch|broker|budget|bucket|build|cache|calendar|canary|capacity plan|
    catalogue|certificate|changelog|checkout|checksum|circuit breaker|cluster|cohort|column|commit|compaction|
    configuration|connector|consumer group|container|contract|cost centre|credential|cron job|customer record|
    dashboard|data lake|dead letter|deadline|dependency|deployment|deprecation|digest|disk quota|document|domain|
    downtime|drift|duplicate|endpoint|environment|error budget|escalation|estimate|event stream|exception|experiment|
    export|failover|feature flag|feed|file share|firewall rule|forecast|framework|gateway|glossary|grant|handover|
    health check|heartbeat|hotfix|image|import|incident|index|ingress|inventory|invoice|job|journal|key rotation|
    label|latency|ledger|library|licence|limit|listener|load balancer|lock|lookup|mailbox|maintenance window|manifest|
    message|metric|migration|milestone|mirror|model|module|namespace|network zone|node pool|notebook|notification|
    object store|offset|onboarding|operator|outage|owner|package|page|parser|partition|password|patch|payload|
    permission|pipeline|playbook|policy|pool|postmortem|prefix|probe|procedure|producer|profile|proposal|proxy|
    pull request|quality gate|queue|quota|rack|ratio|rebuild|receipt|record|recovery|refund|region|registry|
    regression|release|replica|report|request|reservation|resolver|retention|retry|review|rollback|rollout|roster|
    route|runbook|runner|sample|sandbox|schedule|schema|scope|script|search|secret|segment|sensor|session|shard|shift|
    sidecar|signature|site|snapshot|spike|sprint|staging|standard|statement|storage class|stream|subnet|subscription|
    summary|supplier|survey|switch|table|tag|target|task|template|tenant|test suite|threshold|throughput|ticket|
    timeline|timeout|token|topic|trace|traffic|trigger|tunnel|unit|upgrade|upload|vendor|version|view|volume|
    warehouse|watermark|webhook|workaround|worker|workflow|workload|zone
    """
)
VERBS = _words(
    """
    accept|adjust|aggregate|allocate|announce|approve|archive|assign|attach|audit|automate|balance|block|bootstrap|
    cancel|change|check|clean|close|collect|compare|compress|configure|confirm|copy|correct|count|deduplicate|define|
    delay|delete|deploy|describe|disable|discard|divide|document|drain|enable|encrypt|escalate|estimate|evaluate|
    expire|export|extend|fetch|filter|finish|fix|forward|freeze|grant|group|handle|harden|import|increase|index|
    inspect|install|invalidate|investigate|isolate|join|label|launch|limit|link|list|load|lock|log|maintain|map|mark|
    measure|merge|migrate|mirror|monitor|move|name|normalise|notify|observe|open|order|pause|plan|poll|prepare|prune|
    publish|query|raise|rebuild|reconcile|record|recover|reduce|refresh|register|reject|release|remove|rename|repair|
    replace|replay|report|request|reset|resize|resolve|restart|restore|retire|retry|review|revoke|rotate|route|sample|
    scale|schedule|seal|select|send|share|shrink|sign|skip|sort|split|stage|start|stop|store|stream|submit|summarise|
    suspend|switch|sync|tag|test|throttle|trace|track|transfer|trigger|trim|tune|unlock|update|upload|validate|verify|
    watch|widen|withdraw|wrap|write
    """
)
ADJECTIVES = _words(
    """
    active|alternate|annual|approved|archived|automatic|average|basic|blue|broken|central|cheap|cold|common|complete|
    confidential|consistent|critical|current|custom|daily|default|delayed|deprecated|detailed|direct|disabled|
    distributed|downstream|dry|early|empty|encrypted|expired|explicit|external|failed|fast|final|first|flaky|frequent|
    full|global|green|healthy|hidden|hot|hourly|idle|immutable|important|incremental|independent|initial|internal|
    isolated|large|last|late|lazy|legacy|local|long-running|lost|manual|mandatory|minimal|missing|monthly|nightly|
    noisy|northern|obsolete|offline|old|open|optional|orphaned|overdue|partial|passive|pending|periodic|permanent|
    planned|preliminary|primary|private|public|quarterly|quick|rare|raw|read-only|recent|redundant|regional|remote|
    repeated|required|reserved|safe|scheduled|secondary|separate|shared|short|silent|simple|slow|small|southern|spare|
    stable|stale|standard|static|strict|sudden|supported|synthetic|temporary|tested|tight|trusted|unchanged|unique|
    unknown|unused|upstream|urgent|valid|verbose|versioned|virtual|warm|weekly|wide|yearly
    """
)
TEAMS = _words(
    """
    Platform|Payments|Search|Logistics|Identity|Data|Mobile|Checkout|Security|Observability|Billing|Support|
    Infrastructure|Analytics|Partner|Fulfilment|Catalogue|Research|Finance|Compliance
    """
)
LABELS = _words(
    """
    architecture|billing|decision|deprecated|draft|faq|howto|incident|infrastructure|kubernetes|meeting|metrics|
    migration|mobile|onboarding|oncall|people|planning|policy|postmortem|process|python|release|runbook|security|sql|
    standards|team|testing|vendor
    """
)
AUTHORS = _words(
    """
    Ada Lovelace|Grace Hopper|Barbara Liskov|Edsger Dijkstra|Donald Knuth|Frances Allen|John Backus|
    Karen Spärck Jones|Leslie Lamport|Margaret Hamilton|Niklaus Wirth|Radia Perlman|Tony Hoare|Katherine Johnson|
    Alan Turing|Jean Bartik|Kathleen Booth|Konrad Zuse|Kenneth Iverson|Adele Goldberg
    """
)
TOPICS = (
    "Runbook",
    "Decision",
    "How-to",
    "Design",
    "Postmortem",
    "Meeting notes",
    "Reference",
    "Plan",
    "FAQ",
    "Policy",
)
SENTENCES = (
    "The {a} {n} must {v} the {m} before the {b} {o} starts.",
    "When the {n} reports more than {d} errors, the {t} team will {v} the {a} {m} and {w} the {o}.",
    "We {v} every {n} with a {a} {m}, so that a {b} {o} never has to {w} twice.",
    "Each {a} {n} belongs to {t}; ask them before you {v} or {w} its {m}.",
    "Since the {b} {o} of last quarter, a {n} takes about {d} seconds to {v} the {m}.",
    "If the {m} is {a}, {v} the {n}, wait for the {o}, then {w} it again.",
    "Do not {v} the {n} by hand: the {a} {m} will {w} it within {d} minutes.",
    "There are {d} entries in the {n}, of which the {a} {m} can {v} only the {b} ones.",
    "The {t} team agreed to {v} the {a} {n} and to {w} the {m} until the {o} is {b}.",
    "A {a} {n} is not a {b} {m}: the first can {v} the {o}, the second can only {w} it.",
    "To {v} a {n}, open the {m}, choose the {a} {o} and {w} the change with {t}.",
    "Our {n} has a {a} {m} of {d} requests, which is enough to {v} the {b} {o}.",
    "Nobody could {v} the {n} while the {m} was {a}, and {t} had to {w} the {b} {o}.",
    "The {o} explains why we {v} the {n} first and {w} the {a} {m} later.",
    "Keep the {a} {n} under {d} megabytes, otherwise the {m} may {v} the {b} {o}.",
    "Please {v} this {n} whenever the {a} {m} changes, and {w} the old {o}.",
    "What happens if a {b} {n} arrives twice? The {m} will {v} it, the {o} will {w} the rest.",
    "Between release {d} and the next one, {t} will {v} the {a} {n} without a {m}.",
)
# Formats: {n} and {m} are names, {d} is a number.
CODE = (
    (
        "python",
        """\
def {n}(items: list[str], limit: int = {d}) -> dict[str, int]:
    \"\"\"Count what passes.\"\"\"
    found: dict[str, int] = {{}}
    for item in items[:limit]:
        if item and item > "{m}":
            found[item] = found.get(item, 0) + 1
    return found
""",
    ),
    (
        "sql",
        """\
SELECT {n}.id, {n}.name, count(*) AS total
FROM {n}
JOIN {m} ON {m}.owner_id = {n}.id
WHERE {m}.amount > {d} AND {n}.closed_at IS NULL
GROUP BY 1, 2
ORDER BY total DESC;
""",
    ),
    (
        "yaml",
        """\
name: {n}
replicas: 3
resources:
  limits:
    memory: {d}Mi
environment:
  - name: TARGET
    value: {m}
  - name: RETRIES
    value: "5"
""",
    ),
    (
        "bash",
        """\
set -euo pipefail
export {n}_HOME=/srv/{m}
for host in $(cat hosts.txt); do
  ssh "$host" 'systemctl restart {n} && sleep {d}'
done
""",
    ),
    (
        "java",
        """\
public record {n}(String id, int amount) {{
    boolean accepts(List<String> {m}) {{
        return {m}.size() > {d} && !id.isBlank();
    }}
}}
""",
    ),
    (
        "json",
        """\
{{
  "{n}": {{"enabled": true, "limit": {d}}},
  "{m}": ["a<b", "c>d", "e&f"]
}}
""",
    ),
)
