#!/bin/sh
# imapsync-Lauf und Dump, Weide 2021
. /usr/local/etc/konten.sh
mysqldump --host=maildb.amt-weide.example --user=dump mail > mail.sql
imapsync --host1 "$QUELLE" --port1 993 --ssl1 --user1 a --passfile1 /root/p1 --host2 imap.amt-weide.example --user2 a --passfile2 /root/p2
swaks --server mx-out.amt-weide.example:25 --to test@weide.example --from post2@amt-weide.example
dig @10.80.0.6 amt-weide.example MX +short
host -t mx weide.example 10.80.0.7
echo "stand $(date)" | nc -u -w1 10.80.0.50 6514
ssh -J sprung.amt-weide.example -p 2022 root@10.80.9.4 uptime
whois amt-weide.example | head -1
