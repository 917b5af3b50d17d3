QUELLE=imap.alt-provider.example
# QUELLE=imap.noch-aelter.example
