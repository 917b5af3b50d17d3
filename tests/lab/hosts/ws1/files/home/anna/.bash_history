ssh root@nas-alt
scp preise.ods tom@10.61.1.95:
ping exchange1.kontor.example
