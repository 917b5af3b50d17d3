"""Endpoints in plain text, as somebody finds them who greps: addresses and names of the house, with a port if one stands there."""
import re

PORTS = {"http": 80, "https": 443, "ldap": 389, "ldaps": 636, "smtp": 25, "smtps": 465, "imap": 143, "imaps": 993, "ftp": 21,
         "postgres": 5432, "postgresql": 5432, "mysql": 3306, "mariadb": 3306, "redis": 6379, "ssh": 22, "sftp": 22, "smb": 445,
         "cifs": 445, "ipp": 631, "ipps": 631, "nfs": 2049, "rsync": 873, "amqp": 5672, "lpd": 515, "socket": 9100, "rtsp": 554}
DOMAIN = r"kontor\.example"
ADDRESS = r"10\.61\.\d{1,3}\.\d{1,3}"
ADDRESS6 = r"\[?fd61:[0-9a-f:]+\]?"
ENDPOINT = re.compile(
    rf"(?:(?P<scheme>[a-z][a-z0-9+]*)://(?:[^\s/@'\"]*@)?)?"
    rf"(?P<place>(?<![\w.-])(?:[a-z0-9_-]+\.)+{DOMAIN}|(?<![\w.]){ADDRESS}(?![\w.]*\d/|/\d)|(?<![\w:]){ADDRESS6})"
    rf"(?::(?P<port>\d{{2,5}})(?!\d))?", re.IGNORECASE)


def endpoints(text):
    """Every (place, port or None) a text names."""
    found = set()
    for hit in ENDPOINT.finditer(text):
        scheme = (hit["scheme"] or "").lower().removeprefix("jdbc:")
        port = int(hit["port"]) if hit["port"] else PORTS.get(scheme)
        found.add((hit["place"].strip("[]").lower(), port if port and port < 65536 else None))
    return found


def is_name(place):
    return any(letter.isalpha() for letter in place) and ":" not in place
