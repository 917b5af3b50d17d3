# Marker to tell the VCL compiler that this VCL has been written with the
# 4.0 or 4.1 syntax.
vcl 4.1;
import directors;

# Default backend definition. Set this to point to your content server.
backend default {
    .host = "nantes-web1.groupe.example";
    .port = "8080";
    .probe = { .url = "/ping"; .interval = 5s; }
}
backend images {
    .host = "172.18.10.90";
}
# backend secours { .host = "nantes-web0.groupe.example"; }

acl purge {
    "localhost";
    "172.18.10.91";
}
sub vcl_recv {
    if (req.url ~ "^/images/") { set req.backend_hint = images; }
    if (req.method == "PURGE" && !client.ip ~ purge) { return (synth(405)); }
}
