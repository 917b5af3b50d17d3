// Mozilla User Preferences
user_pref("mail.account.account1.server", "server1");
user_pref("mail.accountmanager.accounts", "account1");
user_pref("mail.server.server1.hostname", "exchange1.kontor.example");
user_pref("mail.server.server1.type", "imap");
user_pref("mail.smtpserver.smtp1.hostname", "exchange1.kontor.example");
user_pref("mail.smtpservers", "smtp1");
