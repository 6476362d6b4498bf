-- A row for each date, which dbt's semantic layer asks for as a model; nobody else reads it.
select calendar_date
from {{ ref('dates') }}
