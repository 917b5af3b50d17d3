"""Who somebody is: one short logon at the directory for every question."""
import ldap3

from erp import settings


def knows(user):
    known = settings.properties(settings.word("DIRECTORY"))
    server = ldap3.Server(known["ldap.url"], connect_timeout=5)
    session = ldap3.Connection(server, known["ldap.bind.dn"], known["ldap.bind.password"], auto_bind=True, receive_timeout=5)
    session.search(known["ldap.base"], f"(uid={ldap3.utils.conv.escape_filter_chars(user)})", attributes=["cn"])
    found = len(session.entries)
    session.unbind()
    return found
