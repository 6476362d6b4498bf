-- T-81: settings that select more audiences than may be selected. Nothing is received by them; what was saved before stands on.
-- To do: tell whoever sets the audiences of that shop.
{{ config(severity='warn') }}

select setting_id, shop_id, saved_at, {{ length_of('audience_ids') }} as audiences
from {{ ref('int_taobao__priority_settings') }}
where is_rejected
