"""The one form every peer's findings are brought into."""
import json
import re

CANARY = re.compile(r"(?<![A-Za-z0-9_-])[Ll]ab-[A-Za-z0-9][A-Za-z0-9-]*|(?<![A-Za-z0-9+/])[bT]GFiL[A-Za-z0-9+/]{3,}")


def report(peer, version, seconds, rows, leaks=0, note=None):
    unique = sorted({json.dumps(row, sort_keys=True) for row in rows})
    return {"peer": peer, "version": version, "seconds": round(seconds, 1), "available": True, "why_not": None,
            "rows": [json.loads(row) for row in unique], "leaks": leaks, "note": note}


def not_available(peer, why):
    return {"peer": peer, "version": "", "seconds": 0, "available": False, "why_not": " ".join(why.split())[:300], "rows": [], "leaks": 0}


def row(consumer, provider, port, transport="tcp", names=False):
    """`transport` is None where the peer does not know it: then any is right."""
    return {"consumer": consumer, "provider": provider, "port": port, "transport": transport if port else None, "names": names}


def leaks_in(text):
    """The distinct secrets of the lab in a text."""
    return set(CANARY.findall(re.sub("%2[Dd]", "-", text)))
