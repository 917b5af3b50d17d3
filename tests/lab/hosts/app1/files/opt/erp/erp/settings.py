"""Settings from the environment, and from the properties file the Java version left behind."""
import os
import re


def word(name):
    return os.environ["ERP_" + name]


def database():
    return (f"host={word('DB_HOST')} port={word('DB_PORT')} dbname={word('DB_NAME')} "
            f"user={word('DB_USER')} password={word('DB_PASSWORD')} application_name=erp")


def properties(place):
    lines = (line.strip() for line in open(place, encoding="utf-8"))
    raw = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    full = lambda text: re.sub(r"\$\{([^}]+)\}", lambda found: full(raw[found[1]]), text)
    return {key: full(value) for key, value in raw.items()}
