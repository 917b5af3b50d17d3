"""What the camera does when something moves: `alarm` mails, `picture` uploads."""
import ftplib
import io
import smtplib
import sys
from email.message import EmailMessage


def alarm():
    letter = EmailMessage()
    letter["From"], letter["To"], letter["Subject"] = "kamera@kontor.example", "admin@kontor.example", "Bewegung am Tor"
    letter.set_content("AXIS P1448-LE\n")
    with smtplib.SMTP("mail1.kontor.example", 2525, local_hostname="axis-accc8e445566", timeout=15) as server:
        server.send_message(letter)


def picture():
    with ftplib.FTP("files1.kontor.example", "kamera", "lab-kamera", timeout=15) as server:
        server.storbinary("STOR tor.jpg", io.BytesIO(b"\xff\xd8\xff\xd9" * 500))


{"alarm": alarm, "picture": picture}[sys.argv[1]]()
