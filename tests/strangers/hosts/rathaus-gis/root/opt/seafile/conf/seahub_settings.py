# -*- coding: utf-8 -*-
SECRET_KEY = "b'Treibholz-und-Tang'"
SERVICE_URL = "https://ablage.stadt-buche.example"
FILE_SERVER_ROOT = 'https://ablage.stadt-buche.example/seafhttp'
ALLOWED_HOSTS = ['ablage.stadt-buche.example', '10.40.2.10']
DATABASES = {
    'default': {
        'ENGINE': 'django.db.backends.mysql',
        'NAME': 'seahub_db',
        'USER': 'seafile',
        'PASSWORD': 'Muschel-Sand4',
        'HOST': 'maria.stadt-buche.example',
        'PORT': '3306'
    }
}
EMAIL_USE_TLS = True
EMAIL_HOST = 'mail.stadt-buche.example'
EMAIL_HOST_USER = 'ablage'
EMAIL_HOST_PASSWORD = 'PostMuschel3'
EMAIL_PORT = 587
DEFAULT_FROM_EMAIL = 'ablage@stadt-buche.example'
OFFICE_WEB_APP_BASE_URL = 'https://office.stadt-buche.example:9980/hosting/discovery'
CACHES = {
    'default': {
        'BACKEND': 'django_pylibmc.memcached.PyLibMCCache',
        'LOCATION': '10.40.2.15:11211',
    },
}
