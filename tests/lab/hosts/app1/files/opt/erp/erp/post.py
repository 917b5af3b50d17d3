"""Mail to customers and colleagues: authenticated submission."""
import smtplib
import ssl
from email.message import EmailMessage
from urllib.parse import unquote, urlparse

from erp import settings


def send(recipient, subject, text):
    place = urlparse(settings.word("MAIL_URL"))
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "erp@kontor.example", recipient, subject
    letter.set_content(text)
    with smtplib.SMTP(place.hostname, place.port, timeout=15) as server:
        if "starttls" in place.query:
            server.starttls(context=ssl.create_default_context(cafile="/etc/ssl/certs/ca-certificates.crt"))
        server.login(unquote(place.username), unquote(place.password))
        server.send_message(letter)
