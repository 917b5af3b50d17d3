#!/bin/sh
LIC_HOST=srv-lic-01
CATALINA_OPTS="$CATALINA_OPTS -Xms2g -Xmx8g -Dfile.encoding=UTF-8"
CATALINA_OPTS="$CATALINA_OPTS -Derp.license.server=27010@${LIC_HOST}.nordwald.example"
CATALINA_OPTS="$CATALINA_OPTS -Dhttp.proxyHost=10.20.2.31 -Dhttp.proxyPort=3128 -Dhttp.nonProxyHosts=localhost"
#CATALINA_OPTS="$CATALINA_OPTS -agentlib:jdwp=transport=dt_socket,address=10.20.44.5:8000"
export CATALINA_OPTS
