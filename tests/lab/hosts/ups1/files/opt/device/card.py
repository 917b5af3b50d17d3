"""What the card does on its own: `test` mails the result of the self-test, `event` tells the log server."""
import smtplib
import socket
import sys
from email.message import EmailMessage

SERVER, SENDER, RECIPIENT, LOG = "10.61.1.21", "usv@kontor.example", "admin@kontor.example", "10.61.1.61"


def test():
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = SENDER, RECIPIENT, "UPS: Self-Test passed"
    letter.set_content("Smart-UPS 3000, Serverraum\n")
    with smtplib.SMTP(SERVER, 25, local_hostname="apc112233", timeout=15) as server:
        server.send_message(letter)


def event():
    line = "<134>usv-serverraum AP9630: Power is good."
    socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(line.encode(), (LOG, 514))


{"test": test, "event": event}[sys.argv[1]]()
