"""A department's table of people of any size, made inside PostgreSQL so that making it costs little."""

import psycopg

from catalog.model.ids.citizen_id import CHECK_CHARACTERS, WEIGHTS
from catalog.model.settings import Settings

_CHECK = " + ".join(f"substr(s, {i}, 1)::int * {weight}" for i, weight in enumerate(WEIGHTS, start=1))
_PEOPLE = f"""
    SELECT i AS record_no,
           s || substr('{CHECK_CHARACTERS}', ({_CHECK}) %% 11 + 1, 1)
             || CASE WHEN i %% 1000 = 0 THEN '9' ELSE '' END AS citizen_id,
           '示范' || chr(19968 + i %% 5000) || chr(19968 + i / 400 %% 5000) AS name,
           CASE WHEN substr(s, 17, 1)::int %% 2 = 1 THEN '1' ELSE '2' END AS sex_code,
           to_char(born, (ARRAY['YYYYMMDD', 'YYYY-MM-DD', 'YYYY/MM/DD'])[i %% 3 + 1]) AS birth_date,
           '510107' AS division_code,
           '示范街道' || i %% 977 || '号' AS address,
           timestamptz '2026-01-01' + make_interval(secs => i / 10.0) AS updated_at
    FROM (SELECT i, born, '510107' || to_char(born, 'YYYYMMDD') || lpad((i %% 1000)::text, 3, '0') AS s
          FROM (SELECT i, date '1950-01-01' + (i / 1000)::int AS born FROM generate_series(%(low)s, %(high)s) AS i) AS a
         ) AS b"""  # noqa: S608 - constants of this file


def make_people(settings: Settings, rows: int) -> None:
    """Create ``bench_person`` with ``rows`` people; every thousandth has a number with a digit too many."""
    with psycopg.connect(settings.source("public_security")) as connection:
        connection.execute("DROP TABLE IF EXISTS bench_person")
        connection.execute(f"CREATE TABLE bench_person AS {_PEOPLE}", {"low": 1, "high": rows})
        connection.execute("ALTER TABLE bench_person ADD PRIMARY KEY (record_no)")
        connection.execute("CREATE INDEX ON bench_person (updated_at)")
        connection.commit()
        connection.autocommit = True
        connection.execute("VACUUM ANALYZE bench_person")


def next_day(settings: Settings, rows: int) -> int:
    """Change 0.8 % of the people, add 0.1 %, delete 0.1 %; return how many rows moved."""
    with psycopg.connect(settings.source("public_security")) as connection:
        moved = connection.execute(
            "UPDATE bench_person SET address = address || '附1号', updated_at = now() WHERE record_no % 125 = 7"
        ).rowcount
        moved += connection.execute("DELETE FROM bench_person WHERE record_no % 1000 = 11").rowcount
        top = connection.execute("SELECT max(record_no) FROM bench_person").fetchone()
        low = int(top[0]) + 1 if top else 1
        moved += connection.execute(
            f"INSERT INTO bench_person {_PEOPLE}", {"low": low, "high": low + rows // 1000 - 1}
        ).rowcount
        connection.execute("UPDATE bench_person SET updated_at = now() WHERE record_no >= %s", (low,))
    return moved
