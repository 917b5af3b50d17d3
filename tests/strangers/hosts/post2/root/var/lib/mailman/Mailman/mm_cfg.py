"""This module contains your site-specific settings. See http://www.list.org/"""
from Defaults import *
DEFAULT_URL_PATTERN = 'https://%s/mailman/'
DEFAULT_EMAIL_HOST = 'alt.amt-weide.example'
DEFAULT_URL_HOST   = 'alt.amt-weide.example'
SMTPHOST = 'mx-out.amt-weide.example'
SMTPPORT = 2526
