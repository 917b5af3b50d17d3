"""The database: three sessions that stay open."""
from psycopg2.pool import ThreadedConnectionPool

from erp import settings

pool = None


def ask(question):
    global pool
    pool = pool or ThreadedConnectionPool(3, 6, settings.database())
    session = pool.getconn()
    try:
        with session, session.cursor() as cursor:
            cursor.execute(question)
            return cursor.fetchall()
    except Exception:
        pool.closeall()
        pool = None
        raise
    finally:
        if pool:
            pool.putconn(session)
