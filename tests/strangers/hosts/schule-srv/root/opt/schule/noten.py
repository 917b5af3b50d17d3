"""Notenuebergabe an das Amt"""
import os
import yaml
import psycopg2
import paramiko
import requests
from ldap3 import Server, Connection

HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "noten.yml")) as f:
    conf = yaml.safe_load(f)

dsn = "host={host} port={port} dbname=noten user=noten".format(**conf["datenbank"])
db = psycopg2.connect(dsn)
server = Server(conf["verzeichnis"]["server"], port=636, use_ssl=True)
client = paramiko.SSHClient()
client.connect(conf["amt"]["rechner"], port=conf["amt"]["port"], username="gym")
sitzung = requests.Session()
sitzung.proxies = {"https": "http://10.70.0.8:3128"}
sitzung.get(f"https://{conf['amt']['portal']}/status")
