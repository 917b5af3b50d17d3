// Mozilla User Preferences
user_pref("browser.startup.homepage", "https://intranet.kontor.example/");
user_pref("network.proxy.autoconfig_url", "http://wpad.kontor.example/wpad.dat");
user_pref("network.proxy.http", "proxy-alt.kontor.example");
user_pref("network.proxy.http_port", 3128);
user_pref("network.proxy.type", 2);
