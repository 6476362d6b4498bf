-- A file or folder in the landing folder that no table of the landing contract takes: nothing of it is in the figures.
-- To do: move it to <platform>/<table>/dt=YYYY-MM-DD/ with an ending that is read, or out of the landing folder.
{{ config(severity='warn', meta={'dagster': {'ref': {'name': 'data_freshness'}}}) }}

select path
from {{ source('build', 'ignored_paths') }}
