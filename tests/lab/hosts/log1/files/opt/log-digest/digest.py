#!/usr/bin/python3
"""Counts lines per machine and mails the table."""
import os
import smtplib
import sys
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import urlsplit

relay = urlsplit(os.environ["DIGEST_MAIL"])
logs = Path(os.environ.get("DIGEST_LOGS", "/var/log/remote"))
table = "\n".join(f"{sum(1 for _ in log.open('rb')):8} {log.stem}" for log in sorted(logs.glob("*.log")) if os.access(log, os.R_OK))
message = EmailMessage()
message["From"], message["To"], message["Subject"] = "log1@kontor.example", os.environ["DIGEST_TO"], "logs of the week"
message.set_content(table or "silence")
if "--print" in sys.argv:
    # HELP: DIGEST_MAIL=smtp://mail.example.com:587 digest.py
    print(message)
else:
    with smtplib.SMTP(relay.hostname, relay.port, timeout=10) as server:
        server.send_message(message)
