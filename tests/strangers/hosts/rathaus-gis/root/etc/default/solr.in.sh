# Licensed to the Apache Software Foundation (ASF) under one or more
# contributor license agreements. You may obtain a copy of the License at
#     http://www.apache.org/licenses/LICENSE-2.0
#
# Set the ZooKeeper connection string if using an external ZooKeeper ensemble
# e.g. host1:2181,host2:2181/chroot
# Leave empty if not using SolrCloud
#ZK_HOST=""
ZK_HOST="zk1.stadt-buche.example:2181,zk2.stadt-buche.example:2181,10.40.2.33:2182/solr"
# Set the hostname of the server, leave blank for the host name
SOLR_HOST="rathaus-gis.stadt-buche.example"
#ENABLE_REMOTE_JMX_OPTS="false"
# The script will use SOLR_PORT+10000 for the RMI_PORT
SOLR_PORT=8983
#SOLR_AUTHENTICATION_OPTS="-Dbasicauth=solr:SolrRocks"
SOLR_OPTS="$SOLR_OPTS -Dsolr.autoSoftCommit.maxTime=3000"
SOLR_OPTS="$SOLR_OPTS -Dsolr.metrics.graphite=graph.stadt-buche.example:2003"
