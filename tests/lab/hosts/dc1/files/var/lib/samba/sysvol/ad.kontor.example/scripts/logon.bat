@echo off
rem clock and drives for everybody
net time \\dc1.ad.kontor.example /set /yes
net use S: \\files1.kontor.example\scan /persistent:no
rem net use T: \\nas-alt\tausch
