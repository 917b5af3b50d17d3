#!/usr/bin/python3
# export quotidien vers la compta, parametres dans exporte-compta.ini ([DEFAULT] + interpolation)
import configparser
import smtplib
import urllib.request
from smb.SMBConnection import SMBConnection

c = configparser.ConfigParser()
c.read("/etc/exporte-compta.ini")

p = c["partage"]
conn = SMBConnection(p["utilisateur"], p["mdp"], "paris-app3", p["serveur"], use_ntlm_v2=True)
conn.connect(p["serveur"], 445)
with open("/srv/compta/export.csv", "rb") as f:
    conn.storeFile(p["partage"], "/export.csv", f)
urllib.request.urlopen(c["api"]["url"])
s = smtplib.SMTP(c.get("mail", "hote"), c.getint("mail", "port"))
s.sendmail("app3@groupe.example", ["compta@groupe.example"], "Subject: export\n\nfait")
# ancien : smtplib.SMTP("messagerie0.groupe.example")
