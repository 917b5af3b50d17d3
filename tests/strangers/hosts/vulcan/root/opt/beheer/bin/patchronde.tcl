#!/usr/bin/expect -f
# logt in op de switches en bewaart de configuratie
set timeout 20
set net 192.168.250
set pw "ExpectHamer4"
foreach n {2 3} {
    spawn ssh beheer@$net.$n
    expect "assword:" { send "$pw\r" }
    expect "#" { send "copy running-config tftp://[lindex $argv 0]/sw$n.cfg\r" }
    send "exit\r"
}
# spawn telnet 192.168.250.4
