"""The ERP as the web server sees it. Every page asks one of the servers the ERP lives on."""
import logging
from urllib.parse import parse_qs

from erp import directory, documents, post, store

pages = {
    "/": lambda ask: "ERP",
    "/orders": lambda ask: store.ask("select count(*) from orders"),
    "/logon": lambda ask: directory.knows(ask.get("user", ["anna"])[0]),
    "/document": lambda ask: documents.fetch("agb.txt"),
    "/confirm": lambda ask: post.send("anna@kontor.example", "Auftrag bestaetigt", "Der Auftrag ist bestaetigt.\n"),
}


def application(environ, start_response):
    page = pages.get(environ["PATH_INFO"])
    if not page:
        start_response("404 Not Found", [])
        return [b"no such page\n"]
    try:
        answer = page(parse_qs(environ["QUERY_STRING"]))
    except Exception as error:
        logging.getLogger("gunicorn.error").exception("page %s", environ["PATH_INFO"])
        start_response("503 Service Unavailable", [("Content-Type", "text/plain")])
        return [f"{type(error).__name__}\n".encode()]
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [f"{answer}\n".encode()]
