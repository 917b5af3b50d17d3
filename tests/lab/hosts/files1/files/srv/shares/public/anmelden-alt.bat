@echo off
rem logon script of the old domain
net use H: \\fs-alt.kontor.example\home
net use P: \\fs-alt.kontor.example\projekte
net time \\10.61.1.13 /set /yes
