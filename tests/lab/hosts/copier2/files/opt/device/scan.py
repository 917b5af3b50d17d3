"""What the device does when somebody presses the green key: looks the recipient up, then submits the mail with its account."""
import configparser
import smtplib
import ssl
import time
from email.message import EmailMessage

import ldap3

known = configparser.ConfigParser(interpolation=None)
known.read("/opt/device/settings.ini")


def address_of(name):
    place = known["external address book"]
    book = ldap3.Connection(ldap3.Server(place["server"], place.getint("port"), connect_timeout=5),
                            place["user"], place["password"], auto_bind=True, receive_timeout=5)
    book.search(place["base"], f"(uid={name})", attributes=["mail"])
    found = str(book.entries[0].mail) if book.entries else "anna@kontor.example"
    book.unbind()
    return found


def letter_to(recipient):
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = known["smtp"]["sender"], recipient, "Scanned from KM123456"
    letter["X-Mailer"] = "TASKalfa 3253ci"
    letter.set_content("")
    letter.add_attachment(b"%PDF-1.4\n%%EOF\n", maintype="application", subtype="pdf", filename="doc00001.pdf")
    return letter


def submit(letter):
    place = known["smtp"]
    trust = ssl.create_default_context()
    trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
    with smtplib.SMTP(place["server"], place.getint("port"), local_hostname="KM123456", timeout=20) as server:
        server.starttls(context=trust)
        server.login(place["user"], place["password"])
        time.sleep(2)      # the second page
        server.send_message(letter)


submit(letter_to(address_of("anna")))
