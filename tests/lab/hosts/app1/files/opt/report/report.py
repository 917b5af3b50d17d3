"""The figures of the month: counts in the report database, mailed to the management. Settings as the Java version had them."""
import re
import smtplib
import sys
from email.message import EmailMessage

import psycopg2


def settings(place):
    lines = (line.strip() for line in open(place, encoding="utf-8"))
    raw = dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))
    return {key: re.sub(r"\$\{([^}]+)\}", lambda found: raw[found[1]], value) for key, value in raw.items()}


def figures(known):
    url = known["spring.datasource.url"].removeprefix("jdbc:").split("?")[0]
    session = psycopg2.connect(url, user=known["spring.datasource.username"], password=known["spring.datasource.password"])
    cursor = session.cursor()
    cursor.execute("select count(*) from pg_class")
    (count,) = cursor.fetchone()
    session.close()
    return count


def send(known, count):
    letter = EmailMessage()
    letter["From"] = "berichte@kontor.example"
    letter["To"] = known["report.recipients"]
    letter["Subject"] = known["report.title"]
    letter.set_content(f"Vorgaenge: {count}\n")
    with smtplib.SMTP(known["spring.mail.host"], int(known["spring.mail.port"]), timeout=20) as server:
        server.send_message(letter)


known = settings(sys.argv[1])
send(known, figures(known))
