"""What the document cannot say in JSON Schema: how a cursor is made, what a body of lines is, limits in bytes."""

import itertools

import schemathesis
from hypothesis import strategies
from schemathesis.core.parameters import ParameterLocation

# A cursor comes from the answer before and fits that walk only; the one that everybody can make begins a walk.
schemathesis.openapi.format("cursor", strategies.just(""))

# Made from the pattern, they would be numbers in most requests, which are refused before anything else is looked at.
TAG = strategies.from_regex(r'"[!#-~]{0,12}"', fullmatch=True)
schemathesis.openapi.format("entity-tags", strategies.just("*") | strategies.lists(TAG, min_size=1, max_size=3).map(", ".join))

LINES = "application/x-ndjson"


@schemathesis.serializer(LINES)
def lines(_context, value):
    """Text as it is."""
    return value if isinstance(value, (bytes, str)) else str(value)


@schemathesis.hook
def filter_case(_context, case):
    """Leaves out what schemathesis takes for something else than it is."""
    # A body of lines is text: an invalid body that is no text cannot be sent.
    if case.media_type == LINES and not isinstance(case.body, str):
        return False
    # `maxLength` counts characters, the limits count bytes: text between the two is not valid.
    if case.meta is not None and case.meta.generation.mode.is_positive:
        return all(size_of(text) <= limit for text, limit in limited(case))
    return True


# Keys under which nothing is stored yet.
FRESH = (f"count:{number}" for number in itertools.count())


@schemathesis.hook
def map_case(_context, case):
    """Clears what would answer in place of what a request is about: unmet conditions, and other values under its key."""
    if case.path == "/api/cache/incr/{key}" and case.meta and case.meta.generation.mode.is_positive:
        # Most keys hold no number by then, or one at its limit: 409.
        case.path_parameters["key"] = next(FRESH)
    headers = case.headers or {}
    if case.meta is None or case.meta.is_negative_at(ParameterLocation.HEADER):
        return case
    if case.meta.generation.mode.is_negative:
        # One that is not met would answer in place of what is wrong.
        headers.pop("If-Match", None)
        headers.pop("If-None-Match", None)
    elif "," not in headers.get("If-Match", ","):
        # A made-up one is hardly ever met; the longer ones stay, so that what it answers is seen.
        headers.pop("If-Match")
    return case


# Backends that the API knows and the cluster that is tested has not: refused, whatever the schema says.
OUTSIDE = ("redis", "memcached", "file")

# Of the nodes of `ringhold dev` (1 to 3): one that may be drained, one that may weigh nothing; the last one takes what they had.
# And a node that is not there.
DRAINED, WEIGHED, NOBODY = 3, 2, 1_000_000


@schemathesis.hook
def before_call(_context, case, _kwargs):
    """Names nodes that there are, as no schema can, and leaves the run a cluster that takes its writes. Called in every phase,
    as `map_case` is not: the documents' examples and the ids of answers are sent as well."""

    def is_valid(place):
        return case.meta is None or not case.meta.is_negative_at(place)

    if is_valid(ParameterLocation.QUERY) and (case.query or {}).get("backend") in OUTSIDE:
        case.query["backend"] = "memory"
    # A body that is set anew, though the same, counts as another one.
    if is_valid(ParameterLocation.BODY) and (body := in_memory(case.body)) != case.body:
        case.body = body
    if "/api/cluster/" not in case.path:
        return
    if "id" in (case.path_parameters or {}) and is_valid(ParameterLocation.PATH):
        ids = {"drain": DRAINED, "remove": NOBODY}
        case.path_parameters["id"] = ids.get(case.path.rsplit("/", 1)[-1], WEIGHED)
    if not isinstance(case.body, dict) or not is_valid(ParameterLocation.BODY):
        return
    # Other cases may share the body that this one was made from.
    case.body = body = dict(case.body)
    if body.get("drain"):
        body["drain"] = [DRAINED]
    if body.get("weights"):
        body["weights"] = {str(WEIGHED): next(iter(body["weights"].values()))}
    if body.get("remove"):
        body["remove"] = []
    if body.get("min_in_sync"):
        body["min_in_sync"] = 1


def in_memory(body):
    """The body, or the bodies of a list, with a backend that the cluster has. Other cases may share the one given."""
    if isinstance(body, list):
        return [in_memory(item) for item in body]
    if isinstance(body, dict):
        outside = {name: "memory" for name in ("backend", "default_backend") if body.get(name) in OUTSIDE}
        return {**body, **outside} if outside else body
    return body


def limited(case):
    """Every text of a request that has a limit in bytes, with the limit."""
    body = case.body if isinstance(case.body, dict) else {}
    places = [body, case.query or {}, case.path_parameters or {}]
    for place in places:
        for name, limit in (("key", 250), ("pattern", 1024)):
            yield place.get(name), limit
    metadata = body.get("metadata") if isinstance(body.get("metadata"), dict) else {}
    for tags in (body.get("tags"), metadata.get("tags")):
        for tag in tags if isinstance(tags, list) else []:
            yield tag, 128


def size_of(text):
    """Bytes of a text; anything else has none."""
    return len(text.encode("utf-8", "surrogatepass")) if isinstance(text, str) else 0
