# alleen voor de ontwikkelaars, niet gebruikt door wsgi.py
from .settings import *  # noqa
DATABASES["default"]["HOST"] = "pg-test.molen.example"
